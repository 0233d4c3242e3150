/* SPDX-License-Identifier: Apache-2.0 */
/* adze inside a program of your own: look a technique up, feed it a tensor, watch what happens.
 *
 *   cc embed.c $(pkg-config --cflags --libs adze) -o embed
 */
#include <stdio.h>
#include <stdlib.h>

#include <adze/host.h>

static void
must (adze_error *error)
{
  if (!error)
    return;
  char *text = adze_error_text (error);
  fprintf (stderr, "embed: %s", text ? text : "out of memory\n");
  exit (1);
}

static void
on_event (void *argument, const adze_event *event)
{
  (void)argument;
  printf ("event %s\n", event->id);
}

int
main (void)
{
  adze_runtime *runtime = NULL;
  const adze_component_info *technique = NULL;
  adze_harness *harness = NULL;
  must (adze_runtime_open (NULL, &runtime));
  must (adze_listen (runtime, on_event, NULL));
  must (adze_component_find (runtime, "libm-tanh", &technique));
  printf ("%s: %s\n", technique->id, technique->summary);

  float numbers[] = { -1, 0, 1 };
  int64_t shape[] = { 3 };
  adze_tensor input = { .struct_size = sizeof input, .name = "numbers" };
  input.view.data = numbers;
  input.view.device.type = ADZE_DEVICE_CPU;
  input.view.rank = 1;
  input.view.dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  input.view.shape = shape;

  const adze_tensor *output = NULL;
  must (adze_harness_open (runtime, technique->id, NULL, &harness));
  must (adze_harness_apply (harness, &input, &output));
  const float *results = adze_view_data (&output->view);
  printf ("%.6f %.6f %.6f\n", results[0], results[1], results[2]);
  adze_harness_close (harness);
  adze_runtime_close (runtime);
  return 0;
}

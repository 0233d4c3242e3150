/* SPDX-License-Identifier: Apache-2.0 */
/* A technique for tests that prints to standard output whenever it is called: with --json that is the
 * place of a document. */
#include <adze/sdk.h>

#include <stdio.h>
#include <unistd.h>

/* Both at once and out of the buffer, which may go out much later. */
static void
talk (void)
{
  static const char words[] = "I am talking\n";
  printf ("I am talking\n");
  ssize_t ignored = write (STDOUT_FILENO, words, sizeof words - 1);
  (void)ignored;
}

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  (void)host;
  (void)params;
  (void)instance;
  talk ();
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
  talk ();
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view output;
  (void)instance;
  talk ();
  adze_status status = adze_call_output_like (host, call, input, &output);
  if (status == ADZE_OK)
    ((float *)adze_view_data (&output))[0] = 7;
  return status;
}

static const adze_technique callbacks = { .struct_size = sizeof callbacks,
                                          .effect = ADZE_CHANGES,
                                          .grain = ADZE_GRAIN_TENSOR,
                                          .create = create,
                                          .destroy = destroy,
                                          .apply = apply };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_TECHNIQUE_REVISION,
                                          .kind = ADZE_TECHNIQUE,
                                          .id = "talker",
                                          .summary = "Talks",
                                          .threading = ADZE_THREADS_INSTANCE,
                                          .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "talker",
                                    .version = "1.0.0",
                                    .summary = "Talks",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (talker, plugin);

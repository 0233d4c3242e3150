/* SPDX-License-Identifier: Apache-2.0 */
/* later-host FILE [SETTING...]: a host in a few lines, which test-later-host.sh compiles together
 * with core against the headers of a later SDK. It loads the plugin, feeds 1, 2, 3 to its
 * abi-probe, has its abi-watch watch, and prints what came back. */
#include <stdio.h>

#include "stage/feed.h"
#include "stage/observer.h"

static adze_error *
apply (adze_runtime *runtime, adze_plugin_record *record, const char *const *settings)
{
  const adze_manifest_component *component = adze_manifest_find (record->manifest, "abi-probe");
  ADZE_AUTO (adze_document) document = { 0 };
  adze_instance *instance = NULL;
  adze_fed fed = { 0 };
  float numbers[] = { 1, 2, 3 };
  int64_t shape[] = { 3 };
  const adze_tensor input = { .struct_size = sizeof input,
                              .name = "numbers",
                              .view = { .data = numbers,
                                        .device = { ADZE_DEVICE_CPU, 0 },
                                        .rank = 1,
                                        .dtype = { ADZE_FLOAT, 32, 1 },
                                        .shape = shape },
                              .byte_size = sizeof numbers };
  if (!component)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no abi-probe in it");
  ADZE_TRY (adze_settings_parse (component, settings, &document));
  const adze_value *const sets[] = { document.root };
  const adze_tensor *const inputs[] = { &input };
  const adze_instance_options options = { .component = "abi-probe", .document = &document,
                                          .settings = sets, .variants = 1, .isolate = -1 };
  const adze_feed_options how = { 0 };
  ADZE_TRY (adze_instance_open (runtime, &options, &instance));
  adze_error *error = adze_feed (instance, 1, inputs, 1, &how, &fed);
  const float *numbers_out = fed.count > 0 ? fed.outputs[0].tensor.view.data : NULL;
  for (size_t i = 0; numbers_out && i < fed.outputs[0].tensor.byte_size / sizeof (float); i++)
    printf ("%s%g", i ? " " : "", (double)numbers_out[i]);
  if (!error)
    puts ("");
  adze_fed_cleanup (&fed);
  adze_instance_close (instance);
  return error;
}

static adze_error *
watch (adze_runtime *runtime, adze_plugin_record *record)
{
  const adze_manifest_component *component = adze_manifest_find (record->manifest, "abi-watch");
  const adze_event event = { .struct_size = sizeof event, .id = "abi.later" };
  adze_params *params = NULL;
  adze_watcher *watcher = NULL;
  if (!component)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no abi-watch in it");
  ADZE_TRY (adze_params_bind (component, NULL, NULL, NULL, NULL, NULL, NULL, &params));
  ADZE_TRY (adze_watcher_open (runtime, record, component, params, &watcher));
  adze_error *error = adze_watcher_event (watcher, &event);
  adze_watcher_close (watcher);
  return error;
}

static adze_error *
meet (adze_runtime *runtime, const char *path, const char *const *settings)
{
  adze_plugin_record *record = NULL;
  ADZE_TRY (adze_scan_file (runtime, path, &record));
  ADZE_TRY (adze_activate (runtime, record));
  ADZE_TRY (apply (runtime, record, settings));
  return watch (runtime, record);
}

int
main (int argc, char **argv)
{
  adze_runtime *runtime = NULL;
  if (argc < 2)
    return 2;
  adze_error *error = adze_runtime_open_worker (&adze_profile_everyday, 0, &runtime);
  if (!error)
    error = meet (runtime, argv[1], (const char *const *)argv + 2);
  adze_runtime_close (runtime);
  if (!error)
    return 0;
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  fputs (text ? text : "no memory\n", stderr);
  adze_error_free (error);
  return 1;
}

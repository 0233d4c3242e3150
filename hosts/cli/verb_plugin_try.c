/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin try. */
#include "cli/tensor.h"

#include <string.h>

#define TIME_LIMIT_MAX (24 * 3600 * 1000) /* ms: a day */
#define TIME_LIMIT 60000 /* ms: what hangs must not hold up whoever tries it, or their script */

/* ---- Which technique? */

static bool
is_file (const char *word)
{
  size_t size = strlen (word);
  return strchr (word, '/') || (size > 3 && strcmp (word + size - 3, ".so") == 0)
         || (size > 5 && strcmp (word + size - 5, ".toml") == 0);
}

/* The one technique of a plugin. When it has several, one of them must be named. */
static int
only_technique (const adze_cli *cli, const adze_plugin_info *plugin, const char **id)
{
  *id = NULL;
  for (size_t i = 0; i < plugin->component_count; i++) {
    const adze_component_info *component;
    adze_error *error = adze_component_find (cli->runtime, plugin->components[i], &component);
    if (error)
      return adze_cli_fail (cli, error);
    if (strcmp (component->kind, "technique") != 0)
      continue;
    if (*id)
      return adze_cli_misuse (cli,
                              "%s has several techniques, '%s' and '%s' among them: choose one "
                              "with --component",
                              plugin->path, *id, component->id);
    *id = component->id;
  }
  return *id ? ADZE_CLI_FINE
             : adze_cli_refuse (cli, "%s has no technique, and only a technique can be tried",
                                plugin->path);
}

static int
named_component (const adze_cli *cli, const adze_plugin_info *plugin, const char *name,
                 const char **id)
{
  for (size_t i = 0; i < plugin->component_count; i++)
    if (strcmp (plugin->components[i], name) == 0) {
      *id = plugin->components[i];
      return ADZE_CLI_FINE;
    }
  const char *meant = adze_cli_nearest (name, plugin->components, plugin->component_count);
  return adze_cli_misuse (cli, "%s has no component '%s'%s%s%s", plugin->path, name,
                          meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static int
choose (const adze_cli *cli, const char *word, const char *component, const char **id)
{
  const adze_plugin_info *plugin;
  if (!is_file (word)) {
    *id = word;
    return component ? adze_cli_misuse (cli,
                                        "--component belongs to a file, and '%s' is a component",
                                        word)
                     : ADZE_CLI_FINE;
  }
  adze_error *error = adze_plugin_add (cli->runtime, word, &plugin);
  if (error)
    return adze_cli_fail (cli, error);
  if (plugin->failure)
    return adze_cli_show (cli, plugin->failure);
  return component ? named_component (cli, plugin, component, id)
                   : only_technique (cli, plugin, id);
}

/* ---- How? */

static int
read_limits (const adze_cli *cli, const adze_cli_arguments *arguments,
             adze_harness_options *options)
{
  bool isolate = adze_cli_has (arguments, "isolate");
  bool inside = adze_cli_has (arguments, "in-process");
  const char *memory = adze_cli_value (arguments, "memory-limit");
  uint64_t limit = inside ? 0 : TIME_LIMIT;
  if (isolate && inside)
    return adze_cli_misuse (cli, "--isolate and --in-process contradict each other");
  int status = adze_cli_number_option (cli, arguments, "time-limit", 0, TIME_LIMIT_MAX, &limit);
  if (status != ADZE_CLI_FINE)
    return status;
  if (memory && !adze_cli_size (memory, &options->memory_limit))
    return adze_cli_misuse (cli, "--memory-limit takes a size such as 64MiB, not '%s'", memory);
  if (inside && (adze_cli_has (arguments, "time-limit") || memory))
    return adze_cli_misuse (cli, "limits can be kept only in a process of its own; leave "
                            "--in-process out");
  options->time_limit_ms = (int64_t)limit;
  /* Whoever tries something out does not know yet what it does, wherever it lies. */
  options->isolate = inside ? -1 : 1;
  return ADZE_CLI_FINE;
}

/* "ID" or "ID:PARAMETERS". */
static int
add_observer (const adze_cli *cli, const char *text)
{
  size_t size = strcspn (text, ":");
  ADZE_CLI_FREE char *id = strndup (text, size);
  if (!id)
    return adze_cli_no_memory (cli);
  adze_error *error
      = adze_observe (cli->runtime, id, text[size] == ':' ? text + size + 1 : NULL);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

static int
add_observers (const adze_cli *cli, const adze_cli_arguments *arguments)
{
  ADZE_CLI_FREE const char **observers = adze_cli_values (arguments, "observe");
  int status = observers ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
  for (size_t i = 0; status == ADZE_CLI_FINE && observers[i]; i++)
    status = add_observer (cli, observers[i]);
  return status;
}

/* ---- Doing it. */

/* One that makes several of one: each under its name. */
static void
print_several (const adze_cli *cli, const adze_harness *harness)
{
  const adze_tensor *output;
  for (size_t i = 0; (output = adze_harness_output (harness, i)); i++) {
    if (!cli->json)
      fprintf (adze_cli_out, "%s:\n", output->name);
    else {
      fputs (i ? ", {\"name\": " : "{\"name\": ", adze_cli_out);
      adze_cli_print_json (adze_cli_out, output->name);
      fputs (", ", adze_cli_out);
    }
    if (cli->json) {
      adze_cli_tensor_print_json (&output->view);
      putc ('}', adze_cli_out);
    } else
      adze_cli_tensor_print (&output->view);
  }
}

static void
print_head (const char *id, const adze_harness *harness)
{
  fputs ("{\"component\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, id);
  fprintf (adze_cli_out, ", \"isolated\": %s, ",
           adze_harness_isolated (harness) ? "true" : "false");
}

static void
print_result (const adze_cli *cli, const char *id, const adze_harness *harness,
              const adze_tensor *input)
{
  const adze_tensor *output = adze_harness_output (harness, 0);
  const adze_view *view = output ? &output->view : &input->view;
  bool several = adze_harness_output (harness, 1), dropped = adze_harness_dropped (harness);
  if (cli->json && (several || dropped)) {
    print_head (id, harness);
    fputs ("\"changed\": true, \"outputs\": [", adze_cli_out);
    print_several (cli, harness);
    fputs ("]}\n", adze_cli_out);
    return;
  }
  if (several || dropped) {
    print_several (cli, harness);
    if (dropped)
      adze_cli_note (cli, "%s drops the tensor: nothing comes of it", id);
    return;
  }
  if (!cli->json) {
    adze_cli_tensor_print (view);
    if (!output)
      adze_cli_note (cli, "%s left the tensor as it was", id);
    return;
  }
  print_head (id, harness);
  fprintf (adze_cli_out, "\"changed\": %s, ", output ? "true" : "false");
  adze_cli_tensor_print_json (view);
  fputs ("}\n", adze_cli_out);
}

static int
apply (const adze_cli *cli, const char *id, const adze_harness_options *options,
       const adze_tensor *input)
{
  adze_harness *harness;
  const adze_tensor *output = NULL;
  adze_error *error = adze_harness_open (cli->runtime, id, options, &harness);
  if (error)
    return adze_cli_fail (cli, error);
  error = adze_harness_apply (harness, input, &output);
  adze_error *end = adze_harness_end (harness);
  if (error)
    adze_error_free (end);
  else
    error = end;
  if (!error)
    print_result (cli, id, harness, input);
  adze_harness_close (harness);
  return error ? adze_cli_fail (cli, error) : ADZE_CLI_FINE;
}

/* Observers end with the runtime. What went wrong with one comes after the numbers, and with --json
 * after the document, which is whole: it is said on standard error alone. */
static int
end (adze_cli *cli)
{
  adze_cli_close (cli);
  if (!cli->failed[0])
    return ADZE_CLI_FINE;
  fflush (adze_cli_out);
  adze_cli_print (&cli->err, ADZE_CLI_RED, "adze:");
  fputs (" ", stderr);
  adze_cli_print (&cli->err, ADZE_CLI_PLAIN, cli->failed);
  fputs (" failed: ", stderr);
  adze_cli_print_lines (&cli->err, "", cli->failed_reason);
  return ADZE_CLI_FAILED;
}

static int
run_with (adze_cli *cli, const adze_cli_arguments *arguments, adze_harness_options *options,
          const adze_tensor *input)
{
  const char *id = NULL;
  ADZE_CLI_FREE const char **settings = adze_cli_values (arguments, "set");
  if (!settings)
    return adze_cli_no_memory (cli);
  options->settings = settings;
  int status = adze_cli_open (cli);
  if (status == ADZE_CLI_FINE)
    status = choose (cli, arguments->words[0], adze_cli_value (arguments, "component"), &id);
  if (status == ADZE_CLI_FINE)
    status = add_observers (cli, arguments);
  if (status == ADZE_CLI_FINE)
    status = apply (cli, id, options, input);
  return status == ADZE_CLI_FINE ? end (cli) : status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_cli_tensor input = { 0 };
  int status = read_limits (cli, arguments, &options);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_tensor_open (cli, adze_cli_value (arguments, "dtype"),
                                   adze_cli_value (arguments, "shape"),
                                   adze_cli_value (arguments, "data"), &input);
  if (status == ADZE_CLI_FINE)
    status = run_with (cli, arguments, &options, &input.tensor);
  free (input.data);
  return status;
}

static const adze_cli_option try_options[] = {
  { "set", 0, true, "NAME=VALUE", "give a parameter its value; repeatable" },
  { "component", 0, false, "ID", "which technique of the file, when it has several" },
  { "data", 0, false, "NUMBERS", "what to feed it: 1,2,3; numbers from 1 on unless given" },
  { "shape", 0, false, "SHAPE", "the shape of the data: 2x3; one dimension unless given" },
  { "dtype", 0, false, ADZE_CLI_DTYPES, "the type of the elements; f32 unless given" },
  { "isolate", 0, false, NULL, "run it in a process of its own, which is the preset" },
  { "in-process", 0, false, NULL, "run it in this process; when it crashes or exits, so does adze" },
  { "time-limit", 0, false, "MS", "milliseconds a call may take; 60000 unless given; 0: no limit" },
  { "memory-limit", 0, false, "SIZE", "memory that its process may take: 64MiB" },
  { "observe", 0, true, "OBSERVER", "let an observer watch: ID or ID:PARAMETERS; repeatable" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_try = {
  .name = "plugin try",
  .usage = "FILE|COMPONENT",
  .summary = "feed a technique one tensor and print what it makes of it",
  .about = "Feeds one tensor to a technique, of a plugin's file or by its name, and prints the "
           "numbers that come out, one line for each row. It runs in a process of its own, unless "
           "--in-process is given.",
  .options = try_options,
  .least = 1,
  .most = 1,
  .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze inspect. */
#include "cli/cli.h"

#include <string.h>

/* ---- What the words of the contract mean. */

static const char *
threading_meaning (const char *threading)
{
  static const char *const meanings[][2] = {
    { "plugin", "plugin: one call at a time in all of the plugin" },
    { "instance", "instance: one call at a time in each instance" },
    { "parallel", "parallel: one instance is used by several threads at once" },
  };
  for (size_t i = 0; threading && i < ADZE_CLI_COUNT_OF (meanings); i++)
    if (strcmp (meanings[i][0], threading) == 0)
      return meanings[i][1];
  return threading;
}

static const char *
origin_of (const adze_plugin_info *plugin, char *text, size_t room)
{
  if (plugin->builtin)
    snprintf (text, room, "linked into this program");
  else
    snprintf (text, room, "%s folder, %s%s", plugin->folder_origin ? plugin->folder_origin : "no",
              plugin->trusted ? "trusted" : "not trusted", plugin->is_signed ? ", signed" : "");
  return text;
}

/* ---- Text. */

static void
add_line (adze_cli_table *table, const char *name, const char *value)
{
  if (!value || !*value)
    return;
  adze_cli_table_add (table, name);
  adze_cli_table_add (table, value);
}

/* "gemm.f32, gemv.f32", as much of it as there is room for. */
static const char *
kernels_of (const adze_plugin_info *plugin, char *text, size_t room)
{
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < plugin->kernel_count && used < room; i++)
    used += (size_t)snprintf (text + used, room - used, "%s%s", i ? ", " : "", plugin->kernels[i]);
  return text;
}

static int
print_facts (const adze_cli *cli, const adze_component_info *component,
             const adze_plugin_info *plugin)
{
  ADZE_CLI_TABLE table = { .columns = 2 };
  char name[256], origin[256], kernels[512];
  snprintf (name, sizeof name, "%s %s", plugin->id, plugin->version ? plugin->version : "");
  add_line (&table, "plugin", name);
  add_line (&table, "licence", plugin->license);
  add_line (&table, plugin->foreign ? "bound by" : "file", plugin->path);
  add_line (&table, "kernels", kernels_of (plugin, kernels, sizeof kernels));
  add_line (&table, "from", origin_of (plugin, origin, sizeof origin));
  add_line (&table, "threading", threading_meaning (component->threading));
  add_line (&table, "effect", component->effect);
  return adze_cli_table_print (&cli->out, &table, 2) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static void
print_heading (const adze_cli *cli, const char *heading)
{
  putc ('\n', adze_cli_out);
  adze_cli_print (&cli->out, ADZE_CLI_BOLD, heading);
  putc ('\n', adze_cli_out);
}

/* What the type leaves open: a range, choices, or the kind of a component. */
static const char *
allowed (const adze_param_info *param)
{
  if (param->choices && *param->choices)
    return param->choices;
  if (param->range && *param->range)
    return param->range;
  return param->component_kind;
}

static int
print_params (const adze_cli *cli, const adze_component_info *component)
{
  static const char *const heads[]
      = { "NAME", "TYPE", "DEFAULT", "ALLOWED", "UNIT", "SINCE", "MEANING" };
  ADZE_CLI_TABLE table = { .columns = ADZE_CLI_COUNT_OF (heads), .head = true };
  if (component->param_count == 0) {
    fputs ("\nIt takes no parameters.\n", adze_cli_out);
    return ADZE_CLI_FINE;
  }
  print_heading (cli, "Parameters");
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (heads); i++)
    adze_cli_table_add (&table, heads[i]);
  for (size_t i = 0; i < component->param_count; i++) {
    const adze_param_info *param = &component->params[i];
    adze_cli_table_add (&table, param->name);
    adze_cli_table_add (&table, param->type);
    adze_cli_table_add (&table, param->preset ? param->preset : "(must be given)");
    adze_cli_table_add (&table, allowed (param));
    adze_cli_table_add (&table, param->unit);
    adze_cli_table_add (&table, param->since);
    adze_cli_table_add (&table, param->help);
  }
  return adze_cli_table_print (&cli->out, &table, 2) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static int
print_ports (const adze_cli *cli, const adze_component_info *component)
{
  static const char *const heads[] = { "NAME", "DIRECTION", "TYPE", "REQUIRED", "MEANING" };
  ADZE_CLI_TABLE table = { .columns = ADZE_CLI_COUNT_OF (heads), .head = true };
  if (component->port_count == 0)
    return ADZE_CLI_FINE;
  print_heading (cli, "Ports");
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (heads); i++)
    adze_cli_table_add (&table, heads[i]);
  for (size_t i = 0; i < component->port_count; i++) {
    const adze_port_info *port = &component->ports[i];
    adze_cli_table_add (&table, port->name);
    adze_cli_table_add (&table, port->direction);
    adze_cli_table_add (&table, port->type);
    adze_cli_table_add (&table, port->required ? "yes" : "no");
    adze_cli_table_add (&table, port->help);
  }
  return adze_cli_table_print (&cli->out, &table, 2) ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static int
print_component (const adze_cli *cli, const adze_component_info *component,
                 const adze_plugin_info *plugin)
{
  adze_cli_print (&cli->out, ADZE_CLI_BOLD, component->id);
  fputs (" (", adze_cli_out);
  adze_cli_print (&cli->out, ADZE_CLI_PLAIN, component->kind);
  fputs ("): ", adze_cli_out);
  adze_cli_print_lines (&cli->out, "", component->summary ? component->summary : "");
  int status = print_facts (cli, component, plugin);
  if (status == ADZE_CLI_FINE)
    status = print_params (cli, component);
  return status == ADZE_CLI_FINE ? print_ports (cli, component) : status;
}

/* ---- The verb. */

static int
run_text (const adze_cli *cli, const char *id)
{
  const adze_component_info *component;
  const adze_plugin_info *plugin;
  adze_error *error = adze_component_find (cli->runtime, id, &component);
  if (!error)
    error = adze_plugin_find (cli->runtime, component->plugin, &plugin);
  return error ? adze_cli_fail (cli, error) : print_component (cli, component, plugin);
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *id = arguments->words[0];
  bool schema = adze_cli_has (arguments, "schema"), manual = adze_cli_has (arguments, "man");
  char *text = NULL;
  if (schema + manual + cli->json > 1)
    return adze_cli_misuse (cli, "--schema, --man and --json are forms of the answer: choose one");
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  if (!schema && !manual && !cli->json)
    return run_text (cli, id);
  adze_error *error = schema   ? adze_component_schema (cli->runtime, id, &text)
                      : manual ? adze_component_manual (cli->runtime, id, &text)
                               : adze_component_json (cli->runtime, id, &text);
  return adze_cli_print_document (cli, error, text);
}

static const adze_cli_option options[] = {
  { "schema", 0, false, NULL, "print a JSON schema of its parameters instead" },
  { "man", 0, false, NULL, "print its part of a manual page instead, as troff source" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_inspect = {
  .name = "inspect",
  .usage = "COMPONENT",
  .summary = "say all that is known about a component",
  .about = "Shows what a component does, which plugin, file and folder it comes from, its licence, "
           "its parameters with types, defaults and ranges, its ports and how it may be called. "
           "The plugin is not loaded for it.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};

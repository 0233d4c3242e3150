/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params.c: are declarations of parameters and ports sensible? */
#include "plugin/manifest/params.h"

#include <adze/draft/format.h>
#include <adze/draft/observer.h>
#include <adze/draft/source.h>

#include <string.h>

/* Longer names in messages are cut: what is complained about may be anything. */
#define SHOWN 80

static adze_error *
check_member (const char *what, const char *name, const char *member, const char *text,
              bool mandatory)
{
  if (!text || !text[0])
    return mandatory ? adze_error_new (ADZE_E_PARAM, "%s '%s' has no %s", what, name, member)
                     : NULL;
  /* One byte beyond the limit suffices to know, however long it is. */
  const char *fault = adze_text_fault (text, strnlen (text, ADZE_TEXT_MAX + 1));
  return fault ? adze_error_new (ADZE_E_PARAM, "%s '%s': its %s %s", what, name, member, fault)
               : NULL;
}

static adze_error *
check_name (const char *what, const char *name, size_t index)
{
  if (name && adze_name_valid (name))
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_PARAM,
      "%s number %zu is called \"%.*s\"; a name has lower case letters, digits and hyphens, "
      "begins with a letter and is at most 64 long",
      what, index + 1, SHOWN, name ? name : "");
  adze_error_set (error, "needed", "a name such as \"learning-rate\"");
  adze_error_set (error, "found", name ? name : "");
  return error;
}

/* The keys beside which the parameters of such a component stand in a pipeline. */
static bool
is_reserved (const char *kind, const char *name)
{
  static const struct {
    const char *kind, *words; /* NULL: every kind */
  } reserved[] = {
    { NULL, ADZE_PARAM_RESERVED },
    { ADZE_FORMAT, ADZE_FORMAT_RESERVED },
    { ADZE_SOURCE, ADZE_SOURCE_RESERVED },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (reserved); i++)
    if ((!reserved[i].kind || (kind && strcmp (reserved[i].kind, kind) == 0))
        && adze_choices_have (reserved[i].words, name, strlen (name)))
      return true;
  return false;
}

static adze_error *
check_param_name (const adze_manifest_component *component, size_t index)
{
  const char *name = component->params[index].name;
  ADZE_TRY (check_name ("parameter", name, index));
  if (is_reserved (component->kind, name))
    return adze_error_new (ADZE_E_PARAM,
                           "parameter '%s' has a name that pipelines need for themselves", name);
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp (ports[i].name, name) == 0)
      return adze_error_new (ADZE_E_PARAM, "parameter '%s' has the name of a port", name);
  for (size_t i = 0; i < index; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return adze_error_new (ADZE_E_DUPLICATE, "parameter '%s' is declared twice", name);
  return NULL;
}

static adze_error *
check_param_type (const adze_manifest_component *component, const adze_param *param)
{
  bool entries = param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP;
  if (!adze_param_type_name (param->type, param->item) || (entries && param->item == 0))
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' is of type %u with entries of type %u, "
                           "which is none",
                           param->name, (unsigned)param->type, (unsigned)param->item);
  if (param->type == ADZE_PARAM_OUTPUT_FILE
      && (!component->kind || strcmp (component->kind, ADZE_OBSERVER) != 0))
    return adze_error_new (ADZE_E_PARAM,
                           "parameter '%s' names a file that is written, which only an observer "
                           "can have: what other components do is found again instead of being "
                           "done again",
                           param->name);
  return NULL;
}

static adze_error *
check_param_range (const adze_param *param, uint32_t scalar)
{
  if (!param->range)
    return NULL;
  if (scalar != ADZE_PARAM_INT && scalar != ADZE_PARAM_FLOAT)
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' has a range and is no number",
                           param->name);
  adze_range range;
  adze_error *error = adze_range_parse (param->range, &range);
  if (error)
    return adze_error_wrap (error, "parameter '%s' has no usable range", param->name);
  if (scalar == ADZE_PARAM_INT && (!range.low_whole || !range.high_whole))
    return adze_error_new (ADZE_E_PARAM,
                           "parameter '%s' is an integer and its range \"%s\" has a bound that is "
                           "none",
                           param->name, param->range);
  return NULL;
}

static adze_error *
check_param_choices (const adze_param *param, uint32_t scalar)
{
  if (scalar != ADZE_PARAM_CHOICE)
    return param->choices ? adze_error_new (ADZE_E_PARAM, "parameter '%s' has choices and is of "
                                            "another type",
                                            param->name)
                          : NULL;
  if (!param->choices)
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' is a choice and has no choices",
                           param->name);
  for (const char *at = param->choices;; at++) {
    size_t length = strcspn (at, "|");
    if (length == 0)
      return adze_error_new (ADZE_E_PARAM, "parameter '%s' has an empty choice", param->name);
    if (at[length] && adze_choices_have (at + length + 1, at, length))
      return adze_error_new (ADZE_E_PARAM, "parameter '%s' has the choice \"%.*s\" twice",
                             param->name, (int)length, at);
    at += length;
    if (!*at)
      return NULL;
  }
}

static adze_error *
check_param_component (const adze_param *param, uint32_t scalar)
{
  bool component = scalar == ADZE_PARAM_COMPONENT;
  if (!component && param->component_kind)
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' names a kind of component and is of "
                           "another type",
                           param->name);
  if (component && (!param->component_kind || !adze_name_valid (param->component_kind)))
    return adze_error_new (ADZE_E_PARAM, "parameter '%s' is a component and does not say of which "
                           "kind",
                           param->name);
  return NULL;
}

static adze_error *
check_param_preset (const adze_param *param)
{
  ADZE_AUTO_VALUE preset = NULL;
  adze_error *error = adze_param_preset (param, &preset);
  return error ? adze_error_wrap (error, "the default of parameter '%s' is not one that it allows",
                                  param->name)
               : NULL;
}

adze_error *
adze_param_check (const adze_manifest_component *component, size_t index, const char **field)
{
  const adze_param *param = &component->params[index];
  bool entries = param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP;
  uint32_t scalar = entries ? param->item : param->type;
  *field = "name";
  ADZE_TRY (check_param_name (component, index));
  const struct {
    const char *field;
    const char *text;
    bool mandatory;
  } members[] = {
    { "help", param->help, true },
    { "unit", param->unit, false },
    { "since", param->since, false },
    { "range", param->range, false },
    { "choices", param->choices, false },
    { "component-kind", param->component_kind, false },
    { "default", param->preset, false },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (members); i++) {
    *field = members[i].field;
    ADZE_TRY (check_member ("parameter", param->name, *field, members[i].text,
                            members[i].mandatory));
  }
  *field = "type";
  ADZE_TRY (check_param_type (component, param));
  *field = "range";
  ADZE_TRY (check_param_range (param, scalar));
  *field = "choices";
  ADZE_TRY (check_param_choices (param, scalar));
  *field = "component-kind";
  ADZE_TRY (check_param_component (param, scalar));
  *field = "default";
  return check_param_preset (param);
}

adze_error *
adze_port_check (const adze_manifest_component *component, size_t index, const char **field)
{
  const adze_port *port = &component->ports[index];
  *field = "name";
  ADZE_TRY (check_name ("port", port->name, index));
  *field = "type";
  ADZE_TRY (check_member ("port", port->name, *field, port->type, true));
  *field = "help";
  ADZE_TRY (check_member ("port", port->name, *field, port->help, false));
  *field = "direction";
  if (!adze_direction_name (port->direction))
    return adze_error_new (ADZE_E_PARAM, "port '%s' has the direction %u, which is none",
                           port->name, (unsigned)port->direction);
  /* An input and an output may share a name, as `model` does. */
  *field = "name";
  for (size_t i = 0; i < index; i++)
    if (component->ports[i].direction == port->direction
        && strcmp (component->ports[i].name, port->name) == 0)
      return adze_error_new (ADZE_E_DUPLICATE, "port '%s' is declared twice", port->name);
  *field = "required";
  if (port->required > 1)
    return adze_error_new (ADZE_E_PARAM, "port '%s' is required %u times; 0 or 1 is possible",
                           port->name, (unsigned)port->required);
  return NULL;
}

adze_error *
adze_params_check (const adze_manifest_component *component)
{
  const char *field;
  if (component->port_count > ADZE_PORT_MAX)
    return adze_error_new (ADZE_E_LIMIT, "component '%s' has more than %d ports", component->id,
                           ADZE_PORT_MAX);
  if (component->param_count > ADZE_PARAM_MAX)
    return adze_error_new (ADZE_E_LIMIT, "component '%s' has more than %d parameters",
                           component->id, ADZE_PARAM_MAX);
  for (size_t i = 0; i < component->port_count; i++)
    ADZE_TRY (adze_port_check (component, i, &field));
  for (size_t i = 0; i < component->param_count; i++)
    ADZE_TRY (adze_param_check (component, i, &field));
  return NULL;
}

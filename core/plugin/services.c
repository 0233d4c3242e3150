/* SPDX-License-Identifier: Apache-2.0 */
/* The services that every host of ours has, each a small table over something in core/base. */
#include "plugin/services.h"

#include <string.h>

#include <adze/error.h>
#include <adze/event.h>
#include <adze/log.h>
#include <adze/param.h>
#include <adze/random.h>

#include <adze/draft/match.h>

#include "base/match.h"
#include "base/random.h"
#include "plugin/host_table.h"
#include "plugin/manifest/params.h"

/* ---- adze.log/1 and adze.event/1 */

static void
log_write (const adze_host *host, adze_log_level level, const char *message)
{
  adze_desk *desk = adze_desk_of (host);
  if (adze_desk_bus (desk))
    adze_event_bus_log (adze_desk_bus (desk), adze_desk_source (desk), level, "%s",
                        message ? message : "");
}

static const adze_log_service log_service = { sizeof log_service, log_write };

static void
event_emit (const adze_host *host, const adze_event *event)
{
  adze_desk *desk = adze_desk_of (host);
  if (!event || !event->id) {
    adze_desk_broken ("it emitted an event without an id");
    return;
  }
  if (adze_desk_bus (desk))
    adze_event_bus_emit (adze_desk_bus (desk), adze_desk_source (desk), event->id, event->fields,
                         event->field_count);
}

static const adze_event_service event_service = { sizeof event_service, event_emit };

/* ---- adze.error/1 */

static void
error_push (const adze_host *host, adze_status status, const char *message)
{
  adze_desk_reason (adze_desk_of (host), status, message ? message : "no reason given");
}

static const adze_error_service error_service = { sizeof error_service, error_push };

/* ---- adze.random/1 */

static void
random_fill (const adze_host *host, const char *stream, uint64_t first, uint64_t *out,
             size_t count)
{
  adze_desk *desk = adze_desk_of (host);
  adze_desk_inside (desk, ADZE_RANDOM " fill");
  adze_random_values (adze_random_key (adze_desk_seed (desk), adze_desk_source (desk), stream),
                      first, out, count);
}

static const adze_random_service random_service = { sizeof random_service, random_fill };

/* ---- adze.parallel/1 */

static adze_status
parallel_for_each (const adze_host *host, size_t count, size_t grain, adze_parallel_body body,
                   void *argument)
{
  adze_desk *desk = adze_desk_of (host);
  adze_desk_inside (desk, ADZE_PARALLEL " for_each");
  adze_pool_hooks hooks = adze_desk_hooks (desk);
  return adze_pool_for (adze_desk_pool (desk), &hooks, count, grain, body, argument);
}

static adze_status
parallel_reduce (const adze_host *host, size_t count, size_t grain, adze_parallel_leaf leaf,
                 adze_parallel_merge merge, void *argument, void *result, size_t result_size)
{
  adze_desk *desk = adze_desk_of (host);
  adze_desk_inside (desk, ADZE_PARALLEL " reduce");
  adze_pool_hooks hooks = adze_desk_hooks (desk);
  return adze_pool_reduce (adze_desk_pool (desk), &hooks, count, grain, leaf, merge, argument,
                           result, result_size);
}

static const adze_parallel_service parallel_service
    = { sizeof parallel_service, parallel_for_each, parallel_reduce };

/* ---- adze.param/1 */

/* A wrong name or type is a fault of the plugin's author that a default would hide. */
static const struct adze_param_value *
value_of (const adze_params *params, const char *name, uint32_t type, uint32_t or_type)
{
  for (size_t i = 0; params && name && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (strcmp (value->name, name) != 0)
      continue;
    if (value->type == type || (or_type && value->type == or_type))
      return value;
    adze_desk_broken ("it read the parameter '%s', a %s, as a %s", name,
                      adze_param_type_name (value->type, 0), adze_param_type_name (type, 0));
    return NULL;
  }
  adze_desk_broken ("it read a parameter '%s' that its table does not declare",
                    name ? name : "(null)");
  return NULL;
}

static bool
param_get_bool (const adze_params *params, const char *name)
{
  const struct adze_param_value *value = value_of (params, name, ADZE_PARAM_BOOL, 0);
  return value && value->boolean;
}

static int64_t
param_get_int (const adze_params *params, const char *name)
{
  const struct adze_param_value *value = value_of (params, name, ADZE_PARAM_INT, 0);
  return value ? value->integer : 0;
}

static double
param_get_float (const adze_params *params, const char *name)
{
  const struct adze_param_value *value = value_of (params, name, ADZE_PARAM_FLOAT, 0);
  return value ? value->real : 0;
}

static const char *
param_get_string (const adze_params *params, const char *name)
{
  for (size_t i = 0; params && name && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (value->string && strcmp (value->name, name) == 0)
      return value->string;
  }
  const struct adze_param_value *wrong = value_of (params, name, ADZE_PARAM_STRING, 0);
  return wrong ? wrong->string : NULL;
}

static const adze_params *
param_get_nested (const adze_params *params, const char *name)
{
  for (size_t i = 0; params && name && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (value->nested && strcmp (value->name, name) == 0)
      return value->nested;
  }
  const struct adze_param_value *wrong
      = value_of (params, name, ADZE_PARAM_LIST, ADZE_PARAM_MAP);
  return wrong ? wrong->nested : NULL;
}

static size_t
param_count (const adze_params *params)
{
  return params ? params->count : 0;
}

static const char *
param_name_at (const adze_params *params, size_t index)
{
  return params && index < params->count ? params->values[index].name : NULL;
}

static bool
param_is_given (const adze_params *params, const char *name)
{
  for (size_t i = 0; params && name && i < params->count; i++)
    if (strcmp (params->values[i].name, name) == 0)
      return params->values[i].given;
  adze_desk_broken ("it asked about a parameter '%s' that its table does not declare",
                    name ? name : "(null)");
  return false;
}

static const adze_params_service params_service
    = { sizeof params_service, param_get_bool, param_get_int,   param_get_float,
        param_get_string,      param_get_nested, param_count, param_name_at,
        param_is_given };

/* ---- adze.match/1 */

static adze_status
match_match (const adze_host *host, const char *pattern, const char *name, bool *matches)
{
  adze_pattern *opened = NULL;
  *matches = false;
  if (!pattern || !name) {
    adze_desk_broken ("it asked which names a pattern means, and gave %s", pattern ? "no name" : "no pattern");
    return ADZE_E_CONTRACT;
  }
  adze_error *error = adze_pattern_open (pattern, &opened);
  if (error)
    return adze_desk_fail (adze_desk_of (host), error);
  *matches = adze_pattern_matches (opened, name);
  adze_pattern_close (opened);
  return ADZE_OK;
}

static const adze_match_service match_service = { sizeof match_service, match_match };

/* ---- Which there are. */

static const struct {
  const char *id;
  const void *table;
  bool needed; /* there is no working without it */
} offered[] = {
  { ADZE_ERROR, &error_service, false },   { ADZE_EVENT, &event_service, false },
  { ADZE_JSON, &adze_json_services, false },
  { ADZE_LOG, &log_service, false },       { ADZE_MATCH, &match_service, false },
  { ADZE_PARALLEL, &parallel_service, false },
  { ADZE_PARAMS, &params_service, true },  { ADZE_RANDOM, &random_service, false },
};

const void *
adze_service_find (const char *id, bool bare)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (offered); i++)
    if (strcmp (offered[i].id, id) == 0)
      return bare && !offered[i].needed ? NULL : offered[i].table;
  return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* adze.outline/1: what a technique is told in describe, and says. */
#include <string.h>

#include "base/json.h"
#include "stage/call.h"

static bool
inside (const adze_host *host, const char *function)
{
  return adze_desk_inside (adze_desk_of (host), function);
}

static uint32_t
outline_ports (const adze_host *host, const adze_outline *outline)
{
  return inside (host, ADZE_OUTLINE " ports") ? (uint32_t)outline->port_count : 0;
}

static uint32_t
outline_count (const adze_host *host, const adze_outline *outline, uint32_t port)
{
  if (!inside (host, ADZE_OUTLINE " count") || port >= outline->port_count)
    return 0;
  return (uint32_t)outline->ports[port].count;
}

/* One that is not there is a mistake that NULL alone would turn into a crash. */
static const adze_outline_tensor *
tensor_at (const adze_outline *outline, adze_pick pick)
{
  const adze_outline_tensor *tensor = adze_outline_at (outline, pick);
  if (!tensor)
    adze_desk_broken ("it asked for the tensor { port %u, index %u }, which is not there",
                      pick.port, pick.index);
  return tensor;
}

static const adze_tensor_meta *
outline_tensor (const adze_host *host, const adze_outline *outline, adze_pick pick)
{
  if (!inside (host, ADZE_OUTLINE " tensor"))
    return NULL;
  const adze_outline_tensor *tensor = tensor_at (outline, pick);
  return tensor ? tensor->meta : NULL;
}

static const adze_params *
outline_params (const adze_host *host, const adze_outline *outline, adze_pick pick)
{
  if (!inside (host, ADZE_OUTLINE " params"))
    return NULL;
  const adze_outline_tensor *tensor = tensor_at (outline, pick);
  return tensor && tensor->variant < outline->variants ? outline->params[tensor->variant] : NULL;
}

/* The text is lent until describe returns. */
static const char *
outline_trait (const adze_host *host, const adze_outline *given, adze_pick pick, const char *id)
{
  adze_outline *outline = (adze_outline *)given;
  if (!inside (host, ADZE_OUTLINE " trait"))
    return NULL;
  const adze_outline_tensor *tensor = tensor_at (outline, pick);
  const adze_value *trait = tensor && id ? adze_value_get (tensor->traits, id) : NULL;
  if (!trait)
    return NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (trait, 0, &text);
  if (!outline->lent)
    outline->lent = adze_value_new (ADZE_VALUE_LIST);
  adze_value *kept
      = text.failed ? NULL : adze_json_string (outline->lent, NULL, text.data ? text.data : "");
  if (!kept)
    outline->failed = true;
  return kept ? kept->string : NULL;
}

static bool
outline_is_final (const adze_host *host, const adze_outline *outline)
{
  return inside (host, ADZE_OUTLINE " is_final") && outline->final;
}

/* What could not be kept fails describe even if the plugin goes on. */
static adze_status
settle (const adze_host *host, adze_outline *outline, adze_error *error)
{
  if (!error)
    return ADZE_OK;
  if (adze_error_status (error) != ADZE_E_MEMORY)
    return adze_push_broken (error);
  outline->failed = true;
  return adze_push_error (host, error);
}

static adze_status
outline_group (const adze_host *host, adze_outline *outline, const adze_group *group)
{
  if (!inside (host, ADZE_OUTLINE " group"))
    return ADZE_E_CONTRACT;
  return settle (host, outline, adze_outline_add (outline, group));
}

static adze_status
outline_metadata (const adze_host *host, adze_outline *outline, adze_text key,
                  const adze_meta *value)
{
  if (!inside (host, ADZE_OUTLINE " metadata"))
    return ADZE_E_CONTRACT;
  return settle (host, outline, adze_outline_metadata (outline, key, value));
}

static adze_status
outline_set_trait (const adze_host *host, adze_outline *outline, const char *name, const char *id,
                   const char *json)
{
  if (!inside (host, ADZE_OUTLINE " set_trait"))
    return ADZE_E_CONTRACT;
  return settle (host, outline, adze_outline_trait_text (outline, name, id, json));
}

static adze_status
outline_network (const adze_host *host, adze_outline *outline, adze_graph **graph)
{
  *graph = NULL;
  if (!inside (host, ADZE_OUTLINE " network"))
    return ADZE_E_CONTRACT;
  if (!outline->network && outline->open_network) {
    adze_error *error = outline->open_network (outline->network_context, &outline->network);
    if (error)
      return adze_desk_fail (adze_desk_of (host), error);
  }
  *graph = outline->network;
  return ADZE_OK;
}

static const adze_meta *
outline_value (const adze_host *host, const adze_outline *outline, const char *key)
{
  if (!inside (host, ADZE_OUTLINE " value") || !outline->metadata || !key)
    return NULL;
  const adze_meta *value = adze_metadata_get (outline->metadata, key);
  return value && adze_outline_shows (value) ? value : NULL;
}

const adze_outline_service adze_outline_services = {
  .struct_size = sizeof adze_outline_services,
  .ports = outline_ports,
  .count = outline_count,
  .tensor = outline_tensor,
  .params = outline_params,
  .trait = outline_trait,
  .is_final = outline_is_final,
  .group = outline_group,
  .metadata = outline_metadata,
  .set_trait = outline_set_trait,
  .network = outline_network,
  .value = outline_value,
};

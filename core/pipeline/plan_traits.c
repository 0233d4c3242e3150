/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_traits.c: which traits a stage leaves to the tensors that it makes, and what is said of
 * those that it does not: somebody has written them into the model to be kept. */
#include <string.h>

#include "base/json.h"
#include "pipeline/plan.h"

#include <adze/draft/traits.h>

static bool
listed (const char *const *ids, const char *id)
{
  for (; *ids; ids++)
    if (strcmp (*ids, id) == 0)
      return true;
  return false;
}

static bool
is_verified (const char *id)
{
  static const char *const verified[]
      = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };
  return listed (verified, id);
}

adze_error *
adze_plan_inherit (const adze_plan_stage *planned, const adze_value *from, bool same_bytes,
                   adze_value **into)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  if (!table)
    return adze_error_memory ();
  for (size_t i = 0; from && i < from->count; i++) {
    const char *id = from->items[i]->key;
    bool stays = same_bytes
                 || (!listed (planned->facts->breaks, id)
                     && (is_verified (id) || listed (planned->facts->preserves, id)));
    if (!stays)
      continue;
    adze_value *copy = adze_value_copy (from->items[i]);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, id, copy));
  }
  *into = adze_take (&table);
  return NULL;
}

/* ---- Those that are lost. */

adze_error *
adze_plan_count_lost (const adze_value *from, const adze_value *kept, adze_value *lost)
{
  for (size_t i = 0; from && i < from->count; i++) {
    const char *id = from->items[i]->key;
    size_t at = 0;
    if (adze_value_get (kept, id))
      continue;
    while (at < lost->count && strcmp (lost->items[at]->key, id) != 0)
      at++;
    if (at == lost->count && !adze_json_int (lost, id, 0))
      return adze_error_memory ();
    lost->items[at]->integer++;
  }
  return NULL;
}

adze_error *
adze_plan_tell_lost (const adze_plan *plan, const adze_plan_stage *planned, const adze_value *lost)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  const adze_pipeline_stage *stage = planned->stage;
  for (size_t i = 0; i < lost->count; i++)
    adze_buffer_format (&text, "%s%s (%lld tensor%s)", i ? ", " : "", lost->items[i]->key,
                        (long long)lost->items[i]->integer,
                        lost->items[i]->integer == 1 ? "" : "s");
  if (text.failed)
    return adze_error_memory ();
  if (lost->count == 0)
    return NULL;
  ADZE_AUTO_ERROR error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "what stage '%s' (%s) makes of its tensors no longer has %s%s", stage->id, stage->use,
      text.data, planned->facts->runs ? "" : "; a rule with skip = true leaves a tensor as it is");
  adze_event_bus_log (plan->runtime->bus, NULL, ADZE_LOG_WARNING, "%s",
                      adze_error_message (error));
  return NULL;
}

/* The tensors behind the inputs that go into a group are lost with all that is said of them, unless
 * its outputs have it. */
static adze_error *
count_group (const adze_plan_stage *planned, const adze_plan_source *source,
             const adze_value *kept, adze_value *lost)
{
  const adze_outline_group *group = &planned->outline.groups[source->group];
  for (size_t i = 0; i < group->input_count; i++) {
    const adze_pick *pick = &group->inputs[i];
    if (pick->port == group->inputs[0].port)
      ADZE_TRY (adze_plan_count_lost (planned->ports[pick->port].shown[pick->index].traits, kept,
                                      lost));
  }
  return NULL;
}

static adze_error *
tell_lost (const adze_plan *plan, const adze_plan_stage *planned)
{
  const adze_plan_model *model = planned->output;
  ADZE_AUTO_VALUE lost = adze_value_new (ADZE_VALUE_TABLE);
  if (!lost)
    return adze_error_memory ();
  for (size_t i = 0; i < model->view.count; i++)
    if (model->sources[i].group != SIZE_MAX && model->sources[i].number == 0)
      ADZE_TRY (count_group (planned, &model->sources[i], model->view.tensors[i].traits, lost));
  return adze_plan_tell_lost (plan, planned, lost);
}

/* ---- Frozen tensors. */

static adze_error *
frozen_changes (const adze_plan *plan, const adze_plan_stage *planned, const char *name)
{
  const adze_pipeline_stage *stage = planned->stage;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "stage '%s' (%s) would change '%s', which the model says is frozen (" ADZE_TRAIT_FROZEN ")",
      stage->id, stage->use, name);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "tensor", name);
  adze_error_setf (error, "hint",
                   "leave it as it is by a rule of the stage: [[stage.rule]] with match = \"%s\" and "
                   "skip = true",
                   name);
  return error;
}

/* A technique that says it breaks the trait is used on purpose; one that says it does not is held to
 * that while the tensors stream out. */
static adze_error *
check_frozen (const adze_plan *plan, const adze_plan_stage *planned)
{
  if (listed (planned->facts->breaks, ADZE_TRAIT_FROZEN)
      || listed (planned->facts->preserves, ADZE_TRAIT_FROZEN))
    return NULL;
  for (size_t g = 0; g < planned->outline.group_count; g++) {
    const adze_outline_group *group = &planned->outline.groups[g];
    for (size_t i = 0; i < group->input_count && !group->same_bytes; i++) {
      const adze_pick *pick = &group->inputs[i];
      const adze_outline_tensor *tensor = &planned->ports[pick->port].shown[pick->index];
      if (pick->port == group->inputs[0].port && adze_value_get (tensor->traits, ADZE_TRAIT_FROZEN))
        return frozen_changes (plan, planned, tensor->meta->name);
    }
  }
  return NULL;
}

/* A stage is described several times, and spoken of once. */
adze_error *
adze_plan_check_traits (const adze_plan *plan, const adze_plan_stage *planned)
{
  ADZE_TRY (check_frozen (plan, planned));
  return planned->described ? NULL : tell_lost (plan, planned);
}

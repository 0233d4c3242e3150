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

/* Can what was true of IN be asked of OUT? Which elements are zero or stay, and who is whose
 * neighbour, are sayings about places, and a tensor of another shape has other places. With the same
 * bytes in the same order only rows can be others. A codebook is about the values alone; of other ids
 * nobody knows what they are about. */
static bool
fits (const char *id, const adze_tensor_meta *in, const adze_tensor_meta *out, bool same_bytes)
{
  static const char *const of_places[]
      = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_FROZEN, NULL };
  if (!listed (of_places, id))
    return true;
  if (same_bytes)
    return strcmp (id, ADZE_TRAIT_NM) != 0 || adze_tensor_meta_row (in) == adze_tensor_meta_row (out);
  return adze_tensor_meta_same_shape (in, out);
}

adze_error *
adze_plan_inherit (const adze_plan_stage *planned, const adze_value *from,
                   const adze_tensor_meta *in, const adze_tensor_meta *out, bool same_bytes,
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
    if (!stays || !fits (id, in, out, same_bytes))
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

/* What any output of a group has; FIRST: its first one in the model that goes out, where they stand
 * side by side. */
static adze_error *
collect_kept (const adze_plan_model *model, size_t first, size_t count, adze_value *kept)
{
  for (size_t i = first; i < first + count; i++) {
    const adze_value *traits = model->view.tensors[i].traits;
    for (size_t k = 0; traits && k < traits->count; k++)
      if (!adze_value_get (kept, traits->items[k]->key)
          && !adze_json_int (kept, traits->items[k]->key, 1))
        return adze_error_memory ();
  }
  return NULL;
}

/* The tensors behind the inputs that go into a group are lost with all that is said of them, unless
 * one of its outputs has it. */
static adze_error *
count_group (const adze_plan_stage *planned, size_t first, adze_value *lost)
{
  const adze_plan_model *model = planned->output;
  const adze_outline_group *group = &planned->outline.groups[model->sources[first].group];
  ADZE_AUTO_VALUE kept = adze_value_new (ADZE_VALUE_TABLE);
  if (!kept)
    return adze_error_memory ();
  ADZE_TRY (collect_kept (model, first, group->output_count, kept));
  for (size_t i = 0; i < group->input_count; i++) {
    const adze_pick *pick = &group->inputs[i];
    if (pick->port == group->inputs[0].port)
      ADZE_TRY (adze_plan_count_lost (planned->ports[pick->port].shown[pick->index].traits, kept,
                                      lost));
  }
  return NULL;
}

/* A stage is described several times, and what it comes to is spoken of once; but what was decided
 * meanwhile, such as smaller shapes, may lose more than was told before. */
static bool
is_news (const adze_value *told, const adze_value *lost)
{
  for (size_t i = 0; i < lost->count; i++) {
    const adze_value *before = adze_value_get (told, lost->items[i]->key);
    if (!before || before->integer < lost->items[i]->integer)
      return true;
  }
  return false;
}

static adze_error *
tell_lost (const adze_plan *plan, adze_plan_stage *planned)
{
  const adze_plan_model *model = planned->output;
  ADZE_AUTO_VALUE lost = adze_value_new (ADZE_VALUE_TABLE);
  if (!lost)
    return adze_error_memory ();
  for (size_t i = 0; i < model->view.count; i++)
    if (model->sources[i].group != SIZE_MAX && model->sources[i].number == 0)
      ADZE_TRY (count_group (planned, i, lost));
  if (!is_news (planned->lost, lost))
    return NULL;
  ADZE_TRY (adze_plan_tell_lost (plan, planned, lost));
  adze_value_free (planned->lost);
  planned->lost = adze_take (&lost);
  return NULL;
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
  if (planned->facts->runs)
    adze_error_set (error, "hint", "use another technique, or take the trait out of the model's "
                                   "metadata (adze.traits)");
  else
    adze_error_setf (error, "hint",
                     "leave it as it is by a rule of the stage: [[stage.rule]] with match = \"%s\" "
                     "and skip = true",
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

/* ---- Claims that the shapes have made impossible. */

/* What the technique says of this one tensor goes before what it says of all. */
static bool
is_edited (const adze_outline *outline, const adze_tensor_meta *out, const char *id)
{
  for (size_t i = 0; i < outline->trait_count; i++)
    if (strcmp (outline->traits[i].tensor, out->name) == 0
        && strcmp (outline->traits[i].id, id) == 0)
      return true;
  return false;
}

static adze_error *
other_shape (const adze_plan *plan, const adze_plan_stage *planned, const char *id,
             const adze_tensor_meta *in, const adze_tensor_meta *out)
{
  const adze_pipeline_stage *stage = planned->stage;
  ADZE_AUTO (adze_buffer) was = { 0 };
  ADZE_AUTO (adze_buffer) is = { 0 };
  adze_shape_text (in->rank, in->shape, &was);
  adze_shape_text (out->rank, out->shape, &is);
  if (was.failed || is.failed)
    return adze_error_memory ();
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "stage '%s' (%s) claims to preserve %s, and makes '%s' %s of %s: the trait is about places, "
      "and cannot be kept by another shape",
      stage->id, stage->use, id, in->name, is.data, was.data);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "tensor", in->name);
  adze_error_set (error, "needed", id);
  adze_error_setf (error, "hint", "%suse another technique, and tell whoever wrote this one",
                   planned->facts->runs ? "" : "skip the tensor by a rule, or ");
  return error;
}

adze_error *
adze_plan_check_claims (const adze_plan *plan, const adze_plan_stage *planned,
                        const adze_value *from, const adze_tensor_meta *in,
                        const adze_plan_heirs *heirs)
{
  for (size_t i = 0; from && i < from->count; i++) {
    const char *id = from->items[i]->key;
    bool claimed = listed (planned->facts->preserves, id);
    /* That one is kept by all who do not say otherwise. */
    bool needed = claimed
                  || (strcmp (id, ADZE_TRAIT_FROZEN) == 0 && !listed (planned->facts->breaks, id));
    bool kept = heirs->count == 0 || !needed;
    for (size_t k = 0; !kept && k < heirs->count; k++)
      kept = fits (id, in, heirs->metas[k], heirs->same_bytes)
             || is_edited (&planned->outline, heirs->metas[k], id);
    if (!kept)
      return claimed ? other_shape (plan, planned, id, in, heirs->metas[0])
                     : frozen_changes (plan, planned, in->name);
  }
  return NULL;
}

/* Shapes that are bounds may still become those of the inputs. */
static adze_error *
check_groups (const adze_plan *plan, const adze_plan_stage *planned)
{
  for (size_t g = 0; g < planned->outline.group_count; g++) {
    const adze_outline_group *group = &planned->outline.groups[g];
    const adze_pick *pick = &group->inputs[0];
    const adze_outline_tensor *tensor = &planned->ports[pick->port].shown[pick->index];
    const adze_plan_heirs heirs = { (const adze_tensor_meta *const *)group->outputs,
                                    group->output_count, group->same_bytes };
    if (!group->at_most)
      ADZE_TRY (adze_plan_check_claims (plan, planned, tensor->traits, tensor->meta, &heirs));
  }
  return NULL;
}

adze_error *
adze_plan_check_traits (const adze_plan *plan, adze_plan_stage *planned)
{
  ADZE_TRY (check_frozen (plan, planned));
  ADZE_TRY (check_groups (plan, planned));
  return tell_lost (plan, planned);
}

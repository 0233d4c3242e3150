/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_codes.c: codes and their scales are no weights. A codec makes several tensors of one, of which the
 * others lie under its name and a suffix; they are numbers as all are, and a stage that pruned or clustered them would
 * change weights that it has never seen. So whoever makes other bytes of one of them is refused. */
#include <string.h>

#include "pipeline/plan.h"

#include <adze/draft/codec.h>

/* A tensor that is codes, and whether others belong to it. */
typedef struct coded {
  const char *name;
  const char *codec;
  bool has_parts;
} coded;

typedef struct codes {
  coded *items;
  size_t count;
} codes;

static void
codes_cleanup (codes *c)
{
  free (c->items);
}

static int
compare (const void *a, const void *b)
{
  return strcmp (((const coded *)a)->name, ((const coded *)b)->name);
}

static coded *
find (const codes *c, const char *name)
{
  const coded key = { .name = name };
  return c->count ? bsearch (&key, c->items, c->count, sizeof *c->items, compare) : NULL;
}

/* Whose part NAME is; NULL: of none. */
static adze_error *
find_owner (const codes *c, const char *name, coded **owner)
{
  const char *suffix = strrchr (name, '.');
  *owner = NULL;
  if (!suffix || c->count == 0)
    return NULL;
  ADZE_AUTO_FREE char *first = strndup (name, (size_t)(suffix - name));
  if (!first)
    return adze_error_memory ();
  *owner = find (c, first);
  return NULL;
}

static adze_error *
list_coded (const adze_plan_model *model, codes *c)
{
  const size_t count = model ? model->view.count : 0;
  for (size_t i = 0; i < count; i++)
    c->count += adze_value_get (model->view.tensors[i].traits, ADZE_TRAIT_CODED) != NULL;
  c->items = c->count ? calloc (c->count, sizeof *c->items) : NULL;
  if (c->count > 0 && !c->items)
    return adze_error_memory ();
  for (size_t i = 0, at = 0; at < c->count; i++) {
    const adze_model_tensor *tensor = &model->view.tensors[i];
    const adze_value *said = adze_value_get (tensor->traits, ADZE_TRAIT_CODED);
    const adze_value *codec = adze_value_get (said, "codec");
    if (said)
      c->items[at++] = (coded){ .name = tensor->meta.name,
                                .codec = codec && codec->type == ADZE_VALUE_STRING ? codec->string : "?" };
  }
  if (c->count > 0)
    qsort (c->items, c->count, sizeof *c->items, compare);
  for (size_t i = 0; c->count > 0 && i < count; i++) {
    coded *owner;
    ADZE_TRY (find_owner (c, model->view.tensors[i].meta.name, &owner));
    if (owner)
      owner->has_parts = true;
  }
  return NULL;
}

static adze_error *
no_weight (const adze_plan *plan, const adze_plan_stage *planned, const char *name, const coded *owner)
{
  const adze_pipeline_stage *stage = planned->stage;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "stage '%s' (%s) would change '%s', which is a part of the codes of '%s' (%s): weights that it has not seen "
      "would become others",
      stage->id, stage->use, name, owner->name, owner->codec);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "tensor", name);
  adze_error_setf (error, "hint",
                   "put the stage in front of the one that codes '%s', or leave codes out by a rule with match = "
                   "\"%s*\" and skip = true",
                   owner->name, owner->name);
  return error;
}

static adze_error *
check_input (const adze_plan *plan, const adze_plan_stage *planned, const codes *c, const char *name)
{
  coded *owner = find (c, name);
  if (owner && !owner->has_parts) /* its numbers are all that there is of it */
    owner = NULL;
  else if (!owner)
    ADZE_TRY (find_owner (c, name, &owner));
  return owner ? no_weight (plan, planned, name, owner) : NULL;
}

adze_error *
adze_plan_check_codes (const adze_plan *plan, const adze_plan_stage *planned)
{
  if (planned->facts->effect != ADZE_CHANGES)
    return NULL;
  for (size_t port = 0; port < planned->port_count; port++) {
    ADZE_AUTO (codes) c = { 0 };
    ADZE_TRY (list_coded (planned->ports[port].model, &c));
    for (size_t g = 0; c.count > 0 && g < planned->outline.group_count; g++) {
      const adze_outline_group *group = &planned->outline.groups[g];
      for (size_t i = 0; !group->same_bytes && i < group->input_count; i++)
        if (group->inputs[i].port == port)
          ADZE_TRY (check_input (plan, planned, &c, planned->ports[port].shown[group->inputs[i].index].meta->name));
    }
  }
  return NULL;
}

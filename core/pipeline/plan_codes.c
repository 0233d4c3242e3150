/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_codes.c: codes and their scales are no weights. A codec makes several tensors of one, of which the
 * others lie under its name and a suffix; a network has nodes that multiply codes by scales. They are numbers as all are,
 * and a stage that pruned or clustered them would change weights that it has never seen. So whoever makes other bytes of
 * one of them is refused. */
#include <string.h>

#include "artifact/coded.h"
#include "graph/codes.h"
#include "pipeline/plan_network.h"

#include <adze/draft/codec.h>

/* A tensor that is codes to which others belong, or one of these. Codes without others are all that there is of their
 * tensor, so that they may become others. */
typedef struct coded {
  const char *name;
  const char *owner, *codec;
  size_t tensor, first; /* numbers in the model: its own, and the owner's */
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

static const coded *
find (const codes *c, const char *name)
{
  const coded key = { .name = name };
  return c->count ? bsearch (&key, c->items, c->count, sizeof *c->items, compare) : NULL;
}

static adze_error *
add (codes *c, coded item)
{
  coded *more = reallocarray (c->items, c->count + 1, sizeof *more);
  if (!more)
    return adze_error_memory ();
  c->items = more;
  c->items[c->count++] = item;
  return NULL;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp ((*(const adze_model_tensor *const *)a)->meta.name, (*(const adze_model_tensor *const *)b)->meta.name);
}

/* SORTED: tensors of MODEL by name. */
static const adze_model_tensor *
tensor_called (const adze_model *model, const adze_model_tensor *const *sorted, char *name)
{
  const adze_model_tensor key = { .meta = { .name = name } }, *wanted = &key;
  const adze_model_tensor *const *found = bsearch (&wanted, sorted, model->count, sizeof (adze_model_tensor *), by_name);
  return found ? *found : NULL;
}

/* What belongs to codes of a codec that is not there, so that nobody can tell: whatever has their name and a suffix. */
static adze_error *
list_likely (const adze_model *model, const adze_model_tensor *const *sorted, const char *name, codes *c)
{
  const size_t size = strlen (name);
  for (size_t i = 0; i < model->count; i++) {
    const char *other = sorted[i]->meta.name;
    if (strncmp (other, name, size) == 0 && other[size] == '.' && !strchr (other + size + 1, '.'))
      ADZE_TRY (add (c, (coded){ .name = other, .tensor = (size_t)(sorted[i] - model->tensors) }));
  }
  return NULL;
}

static adze_error *
list_parts (const adze_model *model, const adze_model_tensor *const *sorted, const char *owner, const adze_coded *planes,
            codes *c)
{
  for (uint32_t i = 1; i < planes->plane_count; i++) {
    ADZE_AUTO_FREE char *name = adze_text_format ("%s%s", owner, planes->planes[i].suffix);
    const adze_model_tensor *part = name ? tensor_called (model, sorted, name) : NULL;
    if (!name)
      return adze_error_memory ();
    if (part)
      ADZE_TRY (add (c, (coded){ .name = part->meta.name, .tensor = (size_t)(part - model->tensors) }));
  }
  return NULL;
}

/* Tensor NUMBER, if it is codes, and what belongs to it. */
static adze_error *
list_one (const adze_plan *plan, const adze_model *model, const adze_model_tensor *const *sorted, size_t number, codes *c)
{
  const adze_model_tensor *tensor = &model->tensors[number];
  const adze_value *said = adze_value_get (tensor->traits, ADZE_TRAIT_CODED);
  const adze_value *codec = adze_value_get (said, "codec");
  const size_t before = c->count;
  adze_coded planes;
  if (!said)
    return NULL;
  ADZE_TRY (adze_coded_planes (plan->runtime, said, tensor->meta.name, &planes));
  ADZE_TRY (planes.plane_count > 0 ? list_parts (model, sorted, tensor->meta.name, &planes, c)
                                   : list_likely (model, sorted, tensor->meta.name, c));
  if (c->count > before)
    ADZE_TRY (add (c, (coded){ .name = tensor->meta.name, .tensor = number }));
  for (size_t i = before; i < c->count; i++) {
    c->items[i].owner = tensor->meta.name;
    c->items[i].first = number;
    c->items[i].codec = codec && codec->type == ADZE_VALUE_STRING ? codec->string : "?";
  }
  return NULL;
}

static adze_error *
list_coded (const adze_plan *plan, const adze_plan_model *from, codes *c)
{
  const adze_model *model = &from->view;
  ADZE_AUTO_FREE const adze_model_tensor **sorted = malloc ((model->count + 1) * sizeof (adze_model_tensor *));
  if (!sorted)
    return adze_error_memory ();
  for (size_t i = 0; i < model->count; i++)
    sorted[i] = &model->tensors[i];
  if (model->count > 0)
    qsort (sorted, model->count, sizeof *sorted, by_name);
  for (size_t i = 0; i < model->count; i++)
    ADZE_TRY (list_one (plan, model, sorted, i, c));
  if (c->count > 0)
    qsort (c->items, c->count, sizeof *c->items, compare);
  return NULL;
}

/* ---- Other bytes. */

static adze_error *
no_weight (const adze_plan *plan, const adze_plan_stage *planned, const char *name, const coded *owner)
{
  const adze_pipeline_stage *stage = planned->stage;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "stage '%s' (%s) would change '%s', which is a part of the codes of '%s' (%s): weights that it has not seen "
      "would become others",
      stage->id, stage->use, name, owner->owner, owner->codec);
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "tensor", name);
  adze_error_setf (error, "hint",
                   "put the stage in front of the one that codes '%s', or leave codes out by a rule with match = "
                   "\"%s*\" and skip = true",
                   owner->owner, owner->owner);
  return error;
}

/* A tensor by what its codec said of it. */
static adze_error *
check_traits (const adze_plan *plan, const adze_plan_stage *planned, const codes *c, const char *name)
{
  const coded *found = find (c, name);
  return found ? no_weight (plan, planned, name, found) : NULL;
}

/* And by what the network does with it. */
static adze_error *
check_network (const adze_plan *plan, const adze_plan_stage *planned, const adze_graph_codes *network, const char *name)
{
  const adze_graph_code *code = adze_graph_code_of (network, name);
  if (!code)
    return NULL;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, planned->stage->table,
      "stage '%s' (%s) would change '%s', which is no weight: to %s of the network it is codes, or what codes stand for "
      "(a scale, a zero point)",
      planned->stage->id, planned->stage->use, name, code->node);
  adze_error_set (error, "stage", planned->stage->id);
  adze_error_set (error, "tensor", name);
  adze_error_setf (error, "hint",
                   "put the stage in front of the one that makes codes, or leave them out by a rule with match = \"%s\" "
                   "and skip = true",
                   name);
  return error;
}

/* The next tensor of PORT that a group from *G on makes other bytes of; NULL: there is none left. */
static const char *
next_changed (const adze_plan_stage *planned, uint32_t port, size_t *g, size_t *i)
{
  for (; *g < planned->outline.group_count; *i = 0, ++*g) {
    const adze_outline_group *group = &planned->outline.groups[*g];
    while (!group->same_bytes && *i < group->input_count) {
      const adze_pick *pick = &group->inputs[(*i)++];
      if (pick->port == port)
        return planned->ports[port].shown[pick->index].meta->name;
    }
  }
  return NULL;
}

static adze_error *
check_port (const adze_plan *plan, const adze_plan_stage *planned, uint32_t port)
{
  ADZE_AUTO (codes) c = { 0 };
  __attribute__ ((cleanup (adze_graph_codes_cleanup))) adze_graph_codes network = { 0 };
  size_t g = 0, i = 0;
  const char *name = next_changed (planned, port, &g, &i);
  if (!name)
    return NULL;
  ADZE_TRY (list_coded (plan, planned->ports[port].model, &c));
  ADZE_TRY (adze_plan_network_codes (plan, planned->ports[port].model, &network));
  for (; name; name = next_changed (planned, port, &g, &i)) {
    ADZE_TRY (check_traits (plan, planned, &c, name));
    ADZE_TRY (check_network (plan, planned, &network, name));
  }
  return NULL;
}

/* ---- Other names. */

/* That of tensor NUMBER behind the stage; NULL: it is not given as it is. */
static const char *
name_behind (const adze_plan_stage *planned, size_t number)
{
  const adze_plan_port *port = &planned->ports[0];
  size_t g = port->groups[number];
  const adze_outline_group *group = g != SIZE_MAX ? &planned->outline.groups[g] : NULL;
  if (!group)
    return port->model->view.tensors[number].meta.name;
  return group->same_bytes && group->output_count == 1 ? group->outputs[0]->name : NULL;
}

static adze_error *
parted (const adze_plan *plan, const adze_plan_stage *planned, const coded *part, const char *name, const char *owner)
{
  adze_error *error = adze_document_error (
      &plan->pipeline->document, planned->stage->table,
      "stage '%s' (%s) would part codes from what belongs to them: '%s' (%s) would be called '%s', and '%s' would be called "
      "'%s'",
      planned->stage->id, planned->stage->use, part->owner, part->codec, owner, part->name, name);
  adze_error_set (error, "stage", planned->stage->id);
  adze_error_set (error, "tensor", part->name);
  adze_error_setf (error, "needed", "the name '%s%s'", owner, part->name + strlen (part->owner));
  return error;
}

/* What belongs to codes is found by their name. */
static adze_error *
check_names (const adze_plan *plan, const adze_plan_stage *planned)
{
  ADZE_AUTO (codes) c = { 0 };
  ADZE_TRY (list_coded (plan, planned->ports[0].model, &c));
  for (size_t i = 0; i < c.count; i++) {
    const coded *part = &c.items[i];
    const char *name = name_behind (planned, part->tensor), *owner = name_behind (planned, part->first);
    const char *suffix = part->name + strlen (part->owner);
    size_t size = owner ? strlen (owner) : 0;
    if (name && owner && (strncmp (name, owner, size) != 0 || strcmp (name + size, suffix) != 0))
      return parted (plan, planned, part, name, owner);
  }
  return NULL;
}

/* ---- All of it. */

adze_error *
adze_plan_check_codes (const adze_plan *plan, const adze_plan_stage *planned)
{
  for (uint32_t port = 0; planned->facts->effect == ADZE_CHANGES && port < planned->port_count; port++)
    ADZE_TRY (check_port (plan, planned, port));
  return planned->port_count > 0 && planned->ports[0].model ? check_names (plan, planned) : NULL;
}

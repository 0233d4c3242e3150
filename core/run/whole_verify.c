/* SPDX-License-Identifier: Apache-2.0 */
/* run/whole_verify.c: what a stage with run gave, held against the model that went in: has anything
 * changed, and which traits hold still? No more is read than it takes to know. */
#include <string.h>

#include "graph/from_model.h"
#include "graph/to_model.h"
#include "pipeline/units.h"
#include "run/execution.h"

typedef struct room {
  void *data;
  size_t size;
} room;

typedef struct comparison {
  adze_execution *x;
  const adze_plan_stage *planned;
  const adze_plan_model *before;
  bool changed;
  adze_value *lost; /* traits, and how many tensors have them no more */
  room was, is; /* a piece of each side */
} comparison;

/* A tensor as it went in, and as it came out. One that did not come in is held against itself. */
typedef struct pair {
  const adze_model_tensor *was;
  const adze_model *came;   /* that WAS is of */
  adze_model_tensor *is;
  const adze_model *given;  /* that IS is of */
  const adze_value *traits; /* of WAS; NULL: none */
  adze_value *claims;       /* what the stage says of IS; NULL: nothing */
  adze_promise promise;
  bool same;
  adze_breach breach; /* the first */
} pair;

static void
comparison_cleanup (comparison *c)
{
  adze_value_free (c->lost);
  free (c->was.data);
  free (c->is.data);
}

static void
pair_cleanup (pair *p)
{
  adze_promise_close (&p->promise);
  adze_value_free (p->claims);
}

/* ---- One piece. */

static adze_error *
read_piece (const adze_model *model, const adze_model_tensor *tensor, uint64_t first,
            uint64_t count, room *into)
{
  uint64_t size = adze_piece_bytes (&tensor->meta, count);
  if (size == 0)
    return NULL;
  if (size > into->size) {
    free (into->data);
    into->size = 0;
    into->data = malloc (size);
    if (!into->data)
      return adze_error_memory ();
    into->size = size;
  }
  return adze_model_read (model, tensor, adze_piece_bytes (&tensor->meta, first), into->data, size);
}

/* How many of COUNT elements from FIRST on there were before: one of another shape may end earlier. */
static uint64_t
count_before (const pair *p, uint64_t first, uint64_t count)
{
  uint64_t rest = p->was->elements > first ? p->was->elements - first : 0;
  return rest < count ? rest : count;
}

static void
check_promise (const comparison *c, pair *p, uint64_t first, uint64_t count)
{
  const adze_verified_piece verified
      = { .in = { &p->was->meta, c->was.data, count_before (p, first, count), first },
          .out = { &p->is->meta, c->is.data, count, first } };
  adze_promise_check (&p->promise, &verified, &p->breach);
}

static adze_error *
compare_piece (comparison *c, pair *p, uint64_t first, uint64_t count)
{
  if (atomic_load (c->x->cancel))
    return adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop");
  ADZE_TRY (read_piece (p->came, p->was, first, count_before (p, first, count), &c->was));
  ADZE_TRY (read_piece (p->given, p->is, first, count, &c->is));
  p->same
      = p->same && memcmp (c->was.data, c->is.data, adze_piece_bytes (&p->is->meta, count)) == 0;
  if (!p->breach.trait && !adze_promise_is_empty (&p->promise))
    check_promise (c, p, first, count);
  return NULL;
}

/* ---- One tensor. */

/* Types that are cut elsewhere are compared in one piece. */
static uint64_t
elements_at_once (const pair *p)
{
  uint64_t leaf = adze_leaf_elements (&p->was->meta);
  return leaf == adze_leaf_elements (&p->is->meta) ? leaf : p->is->elements;
}

/* A trait that was not true of the tensor before is not broken by who leaves its bytes alone, unless it is he who
 * says that it is true now. */
static adze_error *
compare_bytes (comparison *c, pair *p)
{
  uint64_t all = p->is->elements, most = elements_at_once (p);
  for (uint64_t first = 0; first < all; first += most) {
    if (!p->same && (p->breach.trait || adze_promise_is_empty (&p->promise)))
      break;
    ADZE_TRY (compare_piece (c, p, first, all - first < most ? all - first : most));
  }
  bool own = p->breach.blame == ADZE_BLAME_CLAIM;
  if (!p->breach.trait || (p->same && !own))
    return NULL;
  if (!own)
    ADZE_TRY (adze_breach_look (&p->promise, c->before,
                                (size_t)(p->was - c->before->file->tensors), &p->breach));
  return adze_promise_broken (c->planned, &p->was->meta, &p->is->meta, &p->breach);
}

static adze_error *
add_trait (const adze_value *trait, adze_value *into)
{
  adze_value *copy = adze_value_copy (trait);
  return copy ? adze_value_append (into, trait->key, copy) : adze_error_memory ();
}

/* What the stage says of the tensor goes before what was said of it. */
static adze_error *
collect_traits (const comparison *c, const pair *p, bool same, adze_value **into)
{
  ADZE_AUTO_VALUE all = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_VALUE left = NULL;
  if (!all)
    return adze_error_memory ();
  ADZE_TRY (adze_plan_inherit (c->planned, p->traits, &p->was->meta, &p->is->meta, same, &left));
  for (size_t i = 0; i < left->count; i++)
    if (!p->claims || !adze_value_get (p->claims, left->items[i]->key))
      ADZE_TRY (add_trait (left->items[i], all));
  for (size_t i = 0; p->claims && i < p->claims->count; i++)
    if (p->claims->items[i]->type == ADZE_VALUE_TABLE) /* else it says that there is none any more */
      ADZE_TRY (add_trait (p->claims->items[i], all));
  *into = adze_take (&all);
  return NULL;
}

static adze_error *
open_promise (const comparison *c, pair *p)
{
  ADZE_AUTO_VALUE claimed = NULL;
  const adze_tensor_meta *in = &p->was->meta, *out = &p->is->meta;
  const adze_plan_heirs heirs = { &out, 1, false };
  ADZE_TRY (adze_plan_check_claims (c->x->plan, c->planned, p->traits, in, &heirs));
  ADZE_TRY (collect_traits (c, p, false, &claimed));
  adze_error *error = adze_promise_open (claimed, p->traits, adze_tensor_meta_same_shape (in, out),
                                         &p->promise);
  return error ? adze_error_wrap (error, "the traits of '%s' cannot be verified", p->is->meta.name)
               : NULL;
}

static adze_error *
hand_on_traits (const comparison *c, const pair *p)
{
  ADZE_AUTO_VALUE traits = NULL;
  ADZE_TRY (collect_traits (c, p, p->same, &traits));
  ADZE_TRY (adze_plan_count_lost (p->traits, traits, c->lost));
  if (traits->count > 0)
    p->is->traits = adze_take (&traits);
  return NULL;
}

/* The bytes are of interest until something differs, and wherever something was true of them. */
static adze_error *
compare_tensor (comparison *c, const adze_model *given, adze_model_tensor *is)
{
  const adze_model *file = c->before->file;
  const adze_model_tensor *was = adze_model_find (file, is->meta.name);
  c->changed = c->changed || !was;
  ADZE_AUTO (pair)
  p = { .was = was ? was : is,
        .came = was ? file : given,
        .is = is,
        .given = given,
        .traits = was ? c->before->view.tensors[was - file->tensors].traits : NULL,
        .claims = adze_take (&is->traits),
        .same = was && adze_tensor_meta_equal (&was->meta, &is->meta) };
  if (!p.traits && !p.claims && (c->changed || !p.same)) {
    c->changed = true;
    return NULL;
  }
  ADZE_TRY (open_promise (c, &p));
  ADZE_TRY (compare_bytes (c, &p));
  c->changed = c->changed || !p.same;
  return hand_on_traits (c, &p);
}

/* A network that was read and is written once more is other bytes than those of the file that it
 * came in: what it is held against is what came in, written the same way. */
static adze_error *
compare_network (comparison *c, const adze_model *given)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_FREE char *id = NULL;
  ADZE_AUTO_FREE void *bytes = NULL;
  size_t size = 0;
  if (given->part_count != 1 || c->before->file->part_count == 0) {
    c->changed = c->changed || given->part_count > 0;
    return NULL;
  }
  ADZE_TRY (adze_graph_from_model (c->x->plan->runtime, c->before->file, &graph));
  ADZE_TRY (adze_graph_make_part (c->x->plan->runtime, graph, &id, &bytes, &size));
  const adze_model_part *part = &given->parts[0];
  c->changed = c->changed || strcmp (id, part->id) != 0 || size != part->size
               || memcmp (bytes, part->data, size) != 0;
  return NULL;
}

adze_error *
adze_whole_verify (adze_execution *x, size_t number, adze_model *given, bool *changed)
{
  const adze_plan_stage *planned = &x->plan->stages[number];
  ADZE_AUTO (comparison)
  c = { .x = x,
        .planned = planned,
        .before = planned->port_count ? planned->ports[0].model : NULL };
  *changed = true;
  if (!c.before)
    return NULL;
  c.lost = adze_value_new (ADZE_VALUE_TABLE);
  if (!c.lost)
    return adze_error_memory ();
  c.changed = given->count != c.before->file->count;
  if (!c.changed)
    ADZE_TRY (compare_network (&c, given));
  for (size_t i = 0; i < given->count; i++)
    ADZE_TRY (compare_tensor (&c, given, &given->tensors[i]));
  *changed = c.changed;
  return adze_plan_tell_lost (x->plan, planned, c.lost);
}

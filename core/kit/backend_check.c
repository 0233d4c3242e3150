/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/backend_check.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "artifact/meta.h"

typedef struct check {
  adze_backend_at_work *backend, *ref;
  const adze_op_case *row;
  adze_op_verdict *verdict;
  unsigned draw;
  double added; /* of the problem at hand */
} check;

/* One in so many codes may be one beside. */
enum { MOST_BESIDE = 100 };

/* Bfloat16: who computes as float32 and rounds once gives the right number or its neighbour, 2^-7 of
 * it away at most; twice that leaves room for one more rounding on the way. Absolute is what
 * float32 may be off by where a result is near 0.
 *
 * STEP: what one addition of a long sum may be off by, of what was added. With n terms of either
 * sign the sum on the way is as large as some sqrt (n) of them, and its n roundings go either way:
 * where they are added in one row they come to a tenth of n steps as a rule, and to nearly all of
 * them now and then. Halves are added as float32. */
static const struct {
  char type;
  double absolute, relative, step;
} bounds[] = { { 'f', 1e-5, 1e-4, 0x1p-24 },
               { 'd', 1e-12, 1e-11, 0x1p-53 },
               { 'h', 2e-3, 4e-3, 0x1p-24 },
               { 'b', 1e-5, 0x1p-6, 0x1p-24 } };

void
adze_op_bound (char type, double added, double *absolute, double *relative)
{
  *absolute = *relative = 0; /* whole numbers are right or wrong */
  for (size_t i = 0; i < ADZE_COUNT_OF (bounds); i++)
    if (bounds[i].type == type) {
      *absolute = bounds[i].absolute + added * bounds[i].step;
      *relative = bounds[i].relative;
    }
}

void
adze_op_verdicts_cleanup (adze_op_verdicts *verdicts)
{
  for (size_t i = 0; i < verdicts->count; i++)
    free (verdicts->items[i].first);
  free (verdicts->items);
  *verdicts = (adze_op_verdicts){ 0 };
}

/* ---- What is broken. */

/* Which case it is, so that it can be found again, and TEXT. */
ADZE_PRINTF (2, 3) static void
broken (const check *c, const char *format, ...)
{
  static const char *const draws[]
      = { "sizes of 1", "odd sizes", "a size of 0", "a large size", "infinities", "NaN" };
  ADZE_AUTO (adze_buffer) text = { 0 };
  char what[256];
  c->verdict->broken++;
  if (c->verdict->first)
    return;
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (what, sizeof what, format, arguments);
  va_end (arguments);
  adze_buffer_format (&text, "%s (%s)%s%s, ", c->row->op, c->row->inputs,
                      c->row->attributes[0] ? " " : "", c->row->attributes);
  if (c->draw < ADZE_COUNT_OF (draws))
    adze_buffer_text (&text, draws[c->draw]);
  else
    adze_buffer_format (&text, "round %u", c->draw);
  adze_buffer_format (&text, ": %s", what);
  c->verdict->first = text.failed ? NULL : adze_take (&text.data);
}

static void
broken_error (const check *c, adze_error *error)
{
  const adze_error *last = error;
  while (adze_error_cause (last))
    last = adze_error_cause (last);
  broken (c, "it was claimed, and then: %s", adze_error_message (last));
  adze_error_free (error);
}

/* ---- Numbers against numbers. */

/* What becomes of NaN is judged where IEEE 754 says it, and told where nobody does. */
static bool
element_fits (const check *c, double found, double wanted)
{
  adze_op_verdict *v = c->verdict;
  double absolute, relative;
  if (c->draw == ADZE_DRAW_NAN && !(c->row->flags & ADZE_OP_NAN)) {
    v->loses_nan = v->loses_nan || (isnan (wanted) && !isnan (found));
    return true;
  }
  if (isnan (wanted) || isnan (found))
    return isnan (wanted) && isnan (found);
  if (isinf (wanted) || isinf (found))
    return found == wanted;
  adze_op_bound (v->type, c->added, &absolute, &relative);
  double error = fabs (found - wanted), size = fabs (wanted);
  if (c->row->flags & ADZE_OP_CODES) {
    v->codes++;
    v->beside += error > 0;
    absolute = 1;
  }
  v->absolute = error > v->absolute ? error : v->absolute;
  /* Below this the absolute bound is the one that counts. */
  double least = relative > 0 ? absolute / relative : 0;
  if (size > least && error / size > v->relative)
    v->relative = error / size;
  return error <= absolute + relative * size;
}

static bool
same_form (const adze_view *a, const adze_view *b)
{
  bool same = a->rank == b->rank && memcmp (&a->dtype, &b->dtype, sizeof a->dtype) == 0;
  for (int32_t d = 0; same && d < a->rank; d++)
    same = a->shape[d] == b->shape[d];
  return same;
}

/* False: it is broken, and was counted. */
static bool
compare (const check *c, const adze_view *found, const adze_view *wanted)
{
  enum { PIECE = 256 };
  double a[PIECE], b[PIECE];
  size_t count = adze_view_count (wanted), each = wanted->dtype.bits / 8;
  if (!same_form (found, wanted)) {
    broken (c, "what it gives has another type or shape than ref's");
    return false;
  }
  for (size_t at = 0; at < count; at += PIECE) {
    size_t piece = count - at < PIECE ? count - at : PIECE;
    adze_decode (found->dtype, (const char *)adze_view_data (found) + at * each, piece, a);
    adze_decode (wanted->dtype, (const char *)adze_view_data (wanted) + at * each, piece, b);
    for (size_t i = 0; i < piece; i++)
      if (!element_fits (c, a[i], b[i])) {
        broken (c, "element %zu is %.9g, and ref's %.9g", at + i, a[i], b[i]);
        return false;
      }
  }
  return true;
}

/* ---- One case. */

static adze_error *
run_on (const check *c, adze_op_problem *p, bool far, adze_executable **executable,
        const adze_view **output)
{
  const adze_view *inputs[ADZE_OP_INPUTS];
  const adze_compile_options options = { .backend = far ? c->backend : NULL, .ref = c->ref };
  for (size_t i = 0; i < p->input_count; i++)
    inputs[i] = &p->inputs[i];
  ADZE_TRY (adze_graph_compile (p->graph, &options, executable));
  const adze_executable_facts *facts = adze_executable_facts_of (*executable);
  if (far && facts->delegated > 0)
    return NULL; /* not claimed: there is nothing to see */
  return adze_execute (*executable, inputs, output);
}

/* What the same program gives the second time; everything is where it was, and scratch has what the
 * first time left. */
static adze_error *
run_again (const check *c, adze_op_problem *p, adze_executable *executable, const adze_view *first,
           const adze_view *wanted)
{
  const adze_view *inputs[ADZE_OP_INPUTS], *second;
  size_t size = adze_view_count (first) * first->dtype.bits / 8;
  bool may_differ = adze_backend_callbacks (c->backend)->determinism == ADZE_SAME_NEVER;
  ADZE_AUTO_FREE void *before = malloc (size + 1);
  if (!before)
    return adze_error_memory ();
  if (size)
    memcpy (before, adze_view_data (first), size);
  for (size_t i = 0; i < p->input_count; i++)
    inputs[i] = &p->inputs[i];
  ADZE_TRY (adze_execute (executable, inputs, &second));
  if (size && !may_differ && memcmp (before, adze_view_data (second), size) != 0)
    broken (c, "the second execution gives other bytes than the first");
  else
    compare (c, second, wanted);
  return NULL;
}

static adze_error *
check_case (check *c, adze_op_problem *p)
{
  ADZE_AUTO_EXECUTABLE on_ref = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  const adze_view *wanted = NULL, *found = NULL;
  adze_error *error = run_on (c, p, false, &on_ref, &wanted);
  if (error) { /* a size of 0 that the operator does not take; a type that ref lacks */
    adze_status status = adze_error_status (error);
    bool fatal = status == ADZE_E_MEMORY || status == ADZE_E_INTERNAL;
    if (fatal)
      return error;
    adze_error_free (error);
    return NULL;
  }
  c->verdict->cases++;
  c->added = p->added;
  c->verdict->added = fmax (c->verdict->added, p->added);
  error = run_on (c, p, true, &executable, &found);
  if (error) {
    c->verdict->claimed++;
    broken_error (c, error);
    return NULL;
  }
  if (!found)
    return NULL;
  c->verdict->claimed++;
  if (!compare (c, found, wanted))
    return NULL;
  error = run_again (c, p, executable, found, wanted);
  if (error)
    broken_error (c, error);
  return NULL;
}

/* ---- All of them. */

static adze_error *
verdict_for (adze_op_verdicts *all, const char *op, char type, adze_op_verdict **verdict)
{
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].type == type && strcmp (all->items[i].op, op) == 0) {
      *verdict = &all->items[i];
      return NULL;
    }
  if (all->count == all->capacity) {
    size_t room = all->capacity ? 2 * all->capacity : 64;
    adze_op_verdict *grown = realloc (all->items, room * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    all->items = grown;
    all->capacity = room;
  }
  *verdict = &all->items[all->count++];
  **verdict = (adze_op_verdict){ .op = op, .type = type };
  return NULL;
}

static adze_error *
check_row (check *c, char type, unsigned rounds, uint64_t seed, adze_op_verdicts *verdicts)
{
  ADZE_TRY (verdict_for (verdicts, c->row->op, type, &c->verdict));
  for (c->draw = 0; c->draw < ADZE_DRAW_ANY + rounds; c->draw++) {
    adze_op_problem problem;
    bool applies;
    adze_error *error = adze_op_problem_make (c->row, type, c->draw, seed, &problem, &applies);
    if (error && c->draw == ADZE_DRAW_EMPTY) { /* the operator has no meaning without elements */
      adze_error_free (error);
      continue;
    }
    if (error)
      return adze_error_wrap (error, "the problem %s (%s) %s cannot be made", c->row->op,
                              c->row->inputs, c->row->attributes);
    if (!applies)
      continue;
    error = check_case (c, &problem);
    adze_op_problem_cleanup (&problem);
    if (error)
      return error;
  }
  if (c->verdict->beside * MOST_BESIDE > c->verdict->codes)
    broken (c, "%" PRIu64 " of %" PRIu64 " codes are one beside ref's, more than lie between two",
            c->verdict->beside, c->verdict->codes);
  return NULL;
}

adze_error *
adze_op_check (adze_backend_at_work *backend, adze_backend_at_work *ref, const char *only,
               unsigned rounds, uint64_t seed, adze_op_verdicts *verdicts)
{
  check c = { .backend = backend, .ref = ref };
  for (c.row = adze_op_cases; c.row->op; c.row++)
    for (const char *type = c.row->types; *type && (!only || strstr (c.row->op, only)); type++)
      ADZE_TRY (check_row (&c, *type, rounds, seed, verdicts));
  if (verdicts->count > 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM, "no operator that there is a case for has '%s' in its name",
                         only ? only : "");
}

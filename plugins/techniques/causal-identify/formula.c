/* SPDX-License-Identifier: Apache-2.0 */
/* formula.c: formulas that stay short while they are made. */
#include "formula.h"

/* Formulas of a question, and factors of a product, at most. */
enum { FORMULAS = 1 << 18, FACTORS = 2 * IDENT_NODES };

typedef struct block {
  struct block *next;
} block;

void
ident_room_close (ident_room *room)
{
  for (block *b = (block *)room->blocks; b;) {
    block *next = b->next;
    room->host->release (room->host, b);
    b = next;
  }
  room->blocks = NULL;
}

static ident_formula *
make (ident_room *room, ident_kind kind, uint32_t count)
{
  const size_t head = (sizeof (block) + 15) & ~(size_t)15;
  const size_t size = head + sizeof (ident_formula) + count * sizeof (const ident_formula *);
  char *memory = room->formulas < FORMULAS ? (char *)room->host->allocate (room->host, size) : NULL;
  if (!memory) {
    adze_fail (room->host, ADZE_E_MEMORY, "no room for the formula: it has %u parts so far", (unsigned)room->formulas);
    return NULL;
  }
  ((block *)(void *)memory)->next = (block *)room->blocks;
  room->blocks = memory;
  room->formulas++;
  ident_formula *formula = (ident_formula *)(void *)(memory + head);
  formula->kind = kind;
  formula->count = count;
  formula->items = (const ident_formula **)(void *)(memory + head + sizeof *formula);
  return formula;
}

const ident_formula *
ident_plain (ident_room *room, ident_kind kind, ident_set over, const ident_formula *const *items, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (!items[i])
      return NULL;
  ident_formula *formula = make (room, kind, count);
  if (!formula)
    return NULL;
  for (uint32_t i = 0; i < count; i++) {
    formula->items[i] = items[i];
    formula->free = ident_or (formula->free, items[i]->free);
  }
  formula->head = over;
  formula->free = ident_less (formula->free, over);
  return formula;
}

const ident_formula *
ident_p (ident_room *room, ident_set head, ident_set given)
{
  ident_formula *formula = make (room, IDENT_P, 0);
  if (!formula)
    return NULL;
  formula->head = head;
  formula->given = ident_less (given, head);
  formula->free = ident_or (head, given);
  if (ident_empty (head))
    formula->free = formula->given = head;
  return formula;
}

/* ---- The same? */

static bool same (const ident_formula *left, const ident_formula *right);

/* Factors may stand in any order. */
static bool
same_items (const ident_formula *left, const ident_formula *right)
{
  bool used[FACTORS] = { false };
  if (left->count != right->count || left->count > FACTORS)
    return false;
  for (uint32_t i = 0; i < left->count; i++) {
    uint32_t k = 0;
    while (k < right->count && (used[k] || !same (left->items[i], right->items[k])))
      k++;
    if (k == right->count)
      return false;
    used[k] = true;
  }
  return true;
}

static bool
same (const ident_formula *left, const ident_formula *right)
{
  if (left == right)
    return true;
  if (left->kind != right->kind || left->count != right->count || !ident_same (left->head, right->head)
      || !ident_same (left->free, right->free))
    return false;
  if (left->kind == IDENT_P)
    return ident_same (left->given, right->given);
  if (left->kind == IDENT_PRODUCT)
    return same_items (left, right);
  for (uint32_t i = 0; i < left->count; i++)
    if (!same (left->items[i], right->items[i]))
      return false;
  return true;
}

/* ---- Products. */

typedef struct factors {
  const ident_formula *items[FACTORS];
  uint32_t count;
} factors;

static bool
is_one (const ident_formula *formula)
{
  return formula->kind == IDENT_P && ident_empty (formula->head);
}

static bool
add_factor (ident_room *room, factors *list, const ident_formula *formula)
{
  if (!formula)
    return false;
  if (formula->kind == IDENT_PRODUCT) {
    for (uint32_t i = 0; i < formula->count; i++)
      if (!add_factor (room, list, formula->items[i]))
        return false;
    return true;
  }
  if (is_one (formula))
    return true;
  if (list->count == FACTORS) {
    adze_fail (room->host, ADZE_E_UNSUPPORTED, "the formula has a product of more than %d factors", (int)FACTORS);
    return false;
  }
  list->items[list->count++] = formula;
  return true;
}

static void
remove_factor (factors *list, uint32_t index)
{
  memmove (list->items + index, list->items + index + 1, (list->count - index - 1) * sizeof list->items[0]);
  list->count--;
}

static const ident_formula *
product_of (ident_room *room, const factors *list)
{
  if (list->count == 0)
    return ident_p (room, ident_none (), ident_none ());
  return list->count == 1 ? list->items[0]
                          : ident_plain (room, IDENT_PRODUCT, ident_none (), list->items, list->count);
}

const ident_formula *
ident_product (ident_room *room, const ident_formula *const *items, uint32_t count)
{
  factors list = { .count = 0 };
  for (uint32_t i = 0; i < count; i++)
    if (!add_factor (room, &list, items[i]))
      return NULL;
  return product_of (room, &list);
}

/* ---- Sums. */

/* P(A|v,D) P(H,v|C), in which nothing else has v: is it P(A,H,v|C,D)? It is where each may be given, or spared, what
 * the other one has. */
static bool
can_join (const ident_room *room, const ident_formula *f, const ident_formula *g)
{
  const ident_view whole = ident_whole (room->graph);
  const ident_set both = ident_or (f->head, f->given);
  const ident_set lacks = ident_less (both, g->given), other = ident_less (g->given, both);
  if (ident_meet (g->head, both))
    return false;
  return (ident_empty (lacks) || ident_separated (&whole, g->head, lacks, g->given))
         && (ident_empty (other) || ident_separated (&whole, f->head, other, f->given));
}

static const ident_formula *
join_over (ident_room *room, const ident_formula *f, const ident_formula *g, uint32_t v)
{
  ident_set head = ident_or (f->head, g->head);
  const ident_set given = ident_less (ident_or (f->given, g->given), head);
  ident_drop (&head, v);
  return ident_p (room, head, given);
}

/* Sums V up where that needs no sign of a sum; false: it does. FAILED: there was no room. */
static bool
sum_one (ident_room *room, factors *list, uint32_t v, bool *failed)
{
  uint32_t with[2] = { 0 }, count = 0;
  for (uint32_t i = 0; i < list->count; i++)
    if (ident_has (&list->items[i]->free, v)) {
      if (count == 2)
        return false;
      with[count++] = i;
    }
  if (count == 0)
    return false;
  const ident_formula *f = list->items[with[0]], *made = NULL;
  const ident_formula *g = count == 2 ? list->items[with[1]] : NULL;
  if (g && g->kind == IDENT_P && ident_has (&g->head, v)) {
    const ident_formula *swap = f;
    f = g;
    g = swap;
  }
  if (f->kind == IDENT_RATIO && !g && !ident_has (&f->items[1]->free, v))
    made = ident_ratio (room, ident_sum (room, ident_one (v), f->items[0]), f->items[1]);
  else if (f->kind != IDENT_P || !ident_has (&f->head, v))
    return false;
  else if (!g)
    made = ident_p (room, ident_less (f->head, ident_one (v)), f->given);
  else if (g->kind == IDENT_P && can_join (room, f, g))
    made = join_over (room, f, g, v);
  else
    return false;
  list->items[with[0]] = made;
  if (g)
    remove_factor (list, with[1]);
  if (made && is_one (made))
    remove_factor (list, with[0]);
  *failed = !made;
  return true;
}

/* Takes the factors out of LIST that hang together with *OVER by what is summed over, and of *OVER what they have
 * nothing of. */
static void
take_part (factors *list, uint32_t first, ident_set *over, factors *part)
{
  ident_set joined = ident_and (list->items[first]->free, *over);
  part->count = 0;
  for (bool again = true; again;) {
    again = false;
    for (uint32_t i = 0; i < list->count; i++)
      if (ident_meet (list->items[i]->free, joined)
          && !ident_within (ident_and (list->items[i]->free, *over), joined)) {
        joined = ident_or (joined, ident_and (list->items[i]->free, *over));
        again = true;
      }
  }
  for (uint32_t i = 0; i < list->count;)
    if (ident_meet (list->items[i]->free, joined)) {
      part->items[part->count++] = list->items[i];
      remove_factor (list, i);
    } else
      i++;
  *over = ident_and (*over, joined);
}

/* What no sum can be spared of, each part under its own sign, behind what needs none. */
static const ident_formula *
sum_parts (ident_room *room, factors *list, ident_set over)
{
  factors out = { .count = 0 }, part;
  while (list->count > 0) {
    uint32_t first = 0;
    while (first < list->count && !ident_meet (list->items[first]->free, over))
      first++;
    if (first == list->count) {
      for (uint32_t i = 0; i < list->count; i++)
        if (!add_factor (room, &out, list->items[i]))
          return NULL;
      break;
    }
    ident_set mine = over;
    take_part (list, first, &mine, &part);
    const ident_formula *body = product_of (room, &part);
    if (!add_factor (room, &out, body ? ident_plain (room, IDENT_SUM, mine, &body, 1) : NULL))
      return NULL;
  }
  return product_of (room, &out);
}

const ident_formula *
ident_sum (ident_room *room, ident_set over, const ident_formula *body)
{
  factors list = { .count = 0 };
  bool failed = false;
  if (!body)
    return NULL;
  /* A sum of a sum is one sum: nothing in the inner one is called what the outer one sums over. */
  while (body->kind == IDENT_SUM && !ident_meet (body->head, over)) {
    over = ident_or (over, body->head);
    body = body->items[0];
  }
  if (!add_factor (room, &list, body))
    return NULL;
  for (bool again = true; again;) {
    again = false;
    for IDENT_EACH (v, over)
      if (!failed && sum_one (room, &list, v, &failed)) {
        ident_drop (&over, v);
        again = true;
      }
    if (failed)
      return NULL;
  }
  return ident_empty (over) ? product_of (room, &list) : sum_parts (room, &list, over);
}

/* ---- Ratios. */

/* P(A,B|C) by P(B|C). */
static bool
divides (const ident_formula *above, const ident_formula *below)
{
  return above->kind == IDENT_P && below->kind == IDENT_P && ident_same (above->given, below->given)
         && ident_within (below->head, above->head);
}

static bool
cancel (ident_room *room, factors *above, factors *below, bool *failed)
{
  for (uint32_t i = 0; i < above->count; i++)
    for (uint32_t k = 0; k < below->count; k++) {
      const ident_formula *f = above->items[i], *g = below->items[k];
      const bool equal = same (f, g);
      if (!equal && !divides (f, g))
        continue;
      remove_factor (below, k);
      if (equal) {
        remove_factor (above, i);
        return true;
      }
      above->items[i] = ident_p (room, ident_less (f->head, g->head), ident_or (f->given, g->head));
      *failed = !above->items[i];
      return !*failed;
    }
  return false;
}

const ident_formula *
ident_ratio (ident_room *room, const ident_formula *above, const ident_formula *below)
{
  factors over = { .count = 0 }, under = { .count = 0 };
  bool failed = false;
  if (!above || !below || !add_factor (room, &over, above) || !add_factor (room, &under, below))
    return NULL;
  while (cancel (room, &over, &under, &failed))
    continue;
  if (failed)
    return NULL;
  const ident_formula *parts[2] = { product_of (room, &over), product_of (room, &under) };
  if (!parts[0] || !parts[1])
    return NULL;
  return under.count == 0 ? parts[0] : ident_plain (room, IDENT_RATIO, ident_none (), parts, 2);
}

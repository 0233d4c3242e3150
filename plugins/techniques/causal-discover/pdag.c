/* SPDX-License-Identifier: Apache-2.0 */
/* pdag.c: lines and arrows: ways along them, Meek's rules, extensions, equivalence. */
#include "pdag.h"

#include <stdlib.h>
#include <string.h>

static void
set (pdag *g, uint32_t a, uint32_t b, bool there, bool back, pdag_why why)
{
  const size_t one = (size_t)a * g->count + b, other = (size_t)b * g->count + a;
  g->leads[one] = there;
  g->leads[other] = back;
  if (g->why) {
    g->why[one] = (uint8_t)why;
    g->why[other] = PDAG_BY_NOTHING;
  }
}

void
pdag_set_line (pdag *g, uint32_t a, uint32_t b)
{
  set (g, a, b, true, true, PDAG_BY_NOTHING);
}

void
pdag_set_arrow (pdag *g, uint32_t from, uint32_t to, pdag_why why)
{
  set (g, from, to, true, false, why);
}

void
pdag_unset (pdag *g, uint32_t a, uint32_t b)
{
  set (g, a, b, false, false, PDAG_BY_NOTHING);
}

void
pdag_copy (pdag *to, const pdag *from)
{
  const size_t size = (size_t)from->count * from->count;
  memcpy (to->leads, from->leads, size);
  if (to->why && from->why)
    memcpy (to->why, from->why, size);
}

bool
pdag_reaches (const pdag *g, uint32_t from, uint32_t to)
{
  uint32_t first = 0, last = 0;
  memset (g->seen, 0, g->count);
  g->queue[last++] = from;
  g->seen[from] = 1;
  while (first < last) {
    const uint32_t at = g->queue[first++];
    if (at == to)
      return true;
    for (uint32_t next = 0; next < g->count; next++)
      if (!g->seen[next] && pdag_arrow (g, at, next)) {
        g->seen[next] = 1;
        g->queue[last++] = next;
      }
  }
  return false;
}

/* ---- Meek's rules. Each asks: must the line a --- b be a --> b? */

int
pdag_compare_triples (const void *left, const void *right)
{
  const pdag_triple *a = (const pdag_triple *)left, *b = (const pdag_triple *)right;
  if (a->x != b->x)
    return a->x < b->x ? -1 : 1;
  if (a->z != b->z)
    return a->z < b->z ? -1 : 1;
  return a->y < b->y ? -1 : a->y > b->y;
}

static bool
is_doubtful (const pdag_doubts *doubts, uint32_t x, uint32_t z, uint32_t y)
{
  const pdag_triple triple = { x < y ? x : y, z, x < y ? y : x };
  return doubts && doubts->count > 0
         && bsearch (&triple, doubts->triples, doubts->count, sizeof triple, pdag_compare_triples);
}

/* c --> a, and c is not adjacent to b: else a would be a collider that was not found. */
static bool
rule_1 (const pdag *g, const pdag_doubts *doubts, uint32_t a, uint32_t b)
{
  for (uint32_t c = 0; c < g->count; c++)
    if (c != b && pdag_arrow (g, c, a) && !pdag_adjacent (g, c, b) && !is_doubtful (doubts, c, a, b))
      return true;
  return false;
}

/* a --> c --> b: else there would be a circle. */
static bool
rule_2 (const pdag *g, uint32_t a, uint32_t b)
{
  for (uint32_t c = 0; c < g->count; c++)
    if (pdag_arrow (g, a, c) && pdag_arrow (g, c, b))
      return true;
  return false;
}

/* a --- c --> b and a --- d --> b, and c and d are not adjacent. */
static bool
rule_3 (const pdag *g, const pdag_doubts *doubts, uint32_t a, uint32_t b)
{
  for (uint32_t c = 0; c < g->count; c++)
    if (pdag_line (g, a, c) && pdag_arrow (g, c, b))
      for (uint32_t d = c + 1; d < g->count; d++)
        if (pdag_line (g, a, d) && pdag_arrow (g, d, b) && !pdag_adjacent (g, c, d)
            && !is_doubtful (doubts, c, a, d))
          return true;
  return false;
}

/* a --- d --> c --> b, a and c are adjacent, and b and d are not: it takes knowledge for that to come up. */
static bool
rule_4 (const pdag *g, const pdag_doubts *doubts, uint32_t a, uint32_t b)
{
  for (uint32_t c = 0; c < g->count; c++)
    if (pdag_arrow (g, c, b) && pdag_adjacent (g, a, c))
      for (uint32_t d = 0; d < g->count; d++)
        if (d != b && pdag_line (g, a, d) && pdag_arrow (g, d, c) && !pdag_adjacent (g, b, d)
            && !is_doubtful (doubts, b, a, d))
          return true;
  return false;
}

static pdag_why
must_lead (const pdag *g, const pdag_doubts *doubts, uint32_t a, uint32_t b)
{
  if (rule_1 (g, doubts, a, b))
    return PDAG_BY_RULE_1;
  if (rule_2 (g, a, b))
    return PDAG_BY_RULE_2;
  if (rule_3 (g, doubts, a, b))
    return PDAG_BY_RULE_3;
  return rule_4 (g, doubts, a, b) ? PDAG_BY_RULE_4 : PDAG_BY_NOTHING;
}

void
pdag_follow (pdag *g, const pdag_doubts *doubts)
{
  bool more = true;
  while (more) {
    more = false;
    for (uint32_t a = 0; a < g->count; a++) {
      if (g->stops && g->stops (g->argument))
        return;
      for (uint32_t b = 0; b < g->count; b++) {
        const pdag_why why = a != b && pdag_line (g, a, b) ? must_lead (g, doubts, a, b) : PDAG_BY_NOTHING;
        if (why == PDAG_BY_NOTHING || pdag_reaches (g, b, a))
          continue;
        pdag_set_arrow (g, a, b, why);
        more = true;
      }
    }
  }
}

/* ---- An extension: sinks are taken away one after the other. */

static bool
is_there (const pdag *g, uint32_t node)
{
  return g->seen[node];
}

/* Nothing leads away from it but lines, and whoever has a line to it is adjacent to all its others. */
static bool
is_sink (const pdag *g, const uint8_t *left, uint32_t node)
{
  const pdag now = { .count = g->count, .leads = (uint8_t *)left };
  for (uint32_t a = 0; a < g->count; a++)
    if (is_there (g, a) && pdag_arrow (&now, node, a))
      return false;
  for (uint32_t a = 0; a < g->count; a++)
    for (uint32_t b = 0; is_there (g, a) && pdag_line (&now, node, a) && b < g->count; b++)
      if (b != a && is_there (g, b) && pdag_adjacent (&now, node, b) && !pdag_adjacent (&now, a, b))
        return false;
  return true;
}

bool
pdag_extend (pdag *g, uint8_t *left)
{
  const size_t size = (size_t)g->count * g->count;
  memcpy (left, g->leads, size);
  memset (g->seen, 1, g->count);
  for (uint32_t gone = 0; gone < g->count; gone++) {
    uint32_t node = 0;
    while (node < g->count && !(is_there (g, node) && is_sink (g, left, node)))
      node++;
    if (node == g->count) {
      memcpy (g->leads, left, size);
      return false;
    }
    g->seen[node] = 0;
    for (uint32_t a = 0; a < g->count; a++)
      if (is_there (g, a) && pdag_line (g, a, node))
        pdag_set_arrow (g, a, node, PDAG_BY_SCORE);
  }
  return true;
}

/* ---- What all equivalent graphs have in common: the colliders, and what follows from them. */

void
pdag_forget (pdag *g, uint8_t *was)
{
  const pdag before = { .count = g->count, .leads = was };
  memcpy (was, g->leads, (size_t)g->count * g->count);
  for (uint32_t a = 0; a < g->count; a++)
    for (uint32_t b = 0; b < a; b++)
      if (pdag_adjacent (&before, a, b))
        pdag_set_line (g, a, b);
  for (uint32_t z = 0; z < g->count; z++)
    for (uint32_t x = 0; x < g->count; x++)
      for (uint32_t y = x + 1; pdag_arrow (&before, x, z) && y < g->count; y++)
        if (pdag_arrow (&before, y, z) && !pdag_adjacent (&before, x, y)) {
          pdag_set_arrow (g, x, z, PDAG_BY_COLLIDER);
          pdag_set_arrow (g, y, z, PDAG_BY_COLLIDER);
        }
  pdag_follow (g, NULL);
}

size_t
pdag_distance (const pdag *left, const pdag *right)
{
  size_t distance = 0;
  for (uint32_t a = 0; a < left->count; a++)
    for (uint32_t b = 0; b < a; b++)
      distance += pdag_leads (left, a, b) != pdag_leads (right, a, b)
                  || pdag_leads (left, b, a) != pdag_leads (right, b, a);
  return distance;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sets.h: sets of nodes, by their numbers. */
#ifndef CAUSAL_IDENTIFY_SETS_H
#define CAUSAL_IDENTIFY_SETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* So many nodes a graph may have: sets are then values, and nobody owns them. */
enum { IDENT_WORDS = 4, IDENT_NODES = 64 * IDENT_WORDS };

typedef struct ident_set {
  uint64_t words[IDENT_WORDS];
} ident_set;

static inline bool
ident_has (const ident_set *set, uint32_t node)
{
  return set->words[node / 64] >> (node % 64) & 1;
}

static inline void
ident_add (ident_set *set, uint32_t node)
{
  set->words[node / 64] |= UINT64_C (1) << (node % 64);
}

static inline void
ident_drop (ident_set *set, uint32_t node)
{
  set->words[node / 64] &= ~(UINT64_C (1) << (node % 64));
}

static inline ident_set
ident_one (uint32_t node)
{
  ident_set set = { { 0 } };
  ident_add (&set, node);
  return set;
}

static inline ident_set
ident_none (void)
{
  return (ident_set){ { 0 } };
}

static inline ident_set
ident_or (ident_set left, ident_set right)
{
  for (int i = 0; i < IDENT_WORDS; i++)
    left.words[i] |= right.words[i];
  return left;
}

static inline ident_set
ident_and (ident_set left, ident_set right)
{
  for (int i = 0; i < IDENT_WORDS; i++)
    left.words[i] &= right.words[i];
  return left;
}

/* What LEFT has and RIGHT has not. */
static inline ident_set
ident_less (ident_set left, ident_set right)
{
  for (int i = 0; i < IDENT_WORDS; i++)
    left.words[i] &= ~right.words[i];
  return left;
}

static inline bool
ident_empty (ident_set set)
{
  uint64_t any = 0;
  for (int i = 0; i < IDENT_WORDS; i++)
    any |= set.words[i];
  return any == 0;
}

static inline bool
ident_same (ident_set left, ident_set right)
{
  return memcmp (&left, &right, sizeof left) == 0;
}

/* Is all of PART in WHOLE? */
static inline bool
ident_within (ident_set part, ident_set whole)
{
  return ident_empty (ident_less (part, whole));
}

static inline bool
ident_meet (ident_set left, ident_set right)
{
  return !ident_empty (ident_and (left, right));
}

static inline uint32_t
ident_count (ident_set set)
{
  uint32_t count = 0;
  for (int i = 0; i < IDENT_WORDS; i++)
    for (uint64_t word = set.words[i]; word; word &= word - 1)
      count++;
  return count;
}

/* The first node of the set that is FROM or behind it; IDENT_NODES: none is.
 * for (uint32_t v = ident_next (&set, 0); v < IDENT_NODES; v = ident_next (&set, v + 1)) */
static inline uint32_t
ident_next (const ident_set *set, uint32_t from)
{
  for (uint32_t node = from; node < IDENT_NODES; node++) {
    if (!set->words[node / 64]) {
      node |= 63;
      continue;
    }
    if (ident_has (set, node))
      return node;
  }
  return IDENT_NODES;
}

#define IDENT_EACH(node, set) \
  (uint32_t node = ident_next (&(set), 0); (node) < IDENT_NODES; (node) = ident_next (&(set), (node) + 1))

#endif

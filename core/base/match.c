/* SPDX-License-Identifier: Apache-2.0 */
/* base/match.c: patterns, run on names.
 *
 * A pattern becomes a little program, all of whose threads are run side by side, a character of the
 * name at a time (K. Thompson, 1968). There is no going back, so that no pattern and no name, however
 * they were chosen, takes longer than the one's length times the other's.
 */
#include "base/match.h"

#include <string.h>

#include "base/match_tree.h"

/* Counted repetitions are written out, and could make a program of any size of a short pattern. */
#define PROGRAM_MAX 2048
/* And writing out nothing, many times, takes as long as if it were something. */
#define STEPS_MAX 100000
/* So does asking whether a character is in a set, range by range. */
#define RANGE_STEPS 8

typedef enum operation {
  READ_CHARACTER,
  READ_ANY,
  READ_SET,
  AT_FIRST,
  AT_LAST,
  GO,   /* to X */
  FORK, /* to X and to Y */
  DONE
} operation;

typedef struct instruction {
  operation operation;
  bool negated;
  uint32_t code; /* of a character; of a set, its first range */
  uint32_t x, y; /* where to go; of a set, X is how many ranges */
} instruction;

struct adze_pattern {
  instruction *program;
  size_t count;
  adze_tree_range *ranges;
};

/* ---- From tree to program. */

typedef struct writer {
  const adze_tree *tree;
  instruction *program;
  size_t count;
  size_t steps;
  bool too_large;
} writer;

static uint32_t
emit (writer *w, instruction one)
{
  if (w->count == PROGRAM_MAX) {
    w->too_large = true;
    return 0;
  }
  w->program[w->count] = one;
  return (uint32_t)w->count++;
}

static void write_node (writer *w, uint32_t index);

static void
write_or (writer *w, const adze_tree_node *node)
{
  uint32_t fork = emit (w, (instruction){ .operation = FORK });
  w->program[fork].x = (uint32_t)w->count;
  write_node (w, node->left);
  uint32_t go = emit (w, (instruction){ .operation = GO });
  w->program[fork].y = (uint32_t)w->count;
  write_node (w, node->right);
  w->program[go].x = (uint32_t)w->count;
}

static void
write_forever (writer *w, uint32_t body)
{
  uint32_t fork = emit (w, (instruction){ .operation = FORK });
  w->program[fork].x = (uint32_t)w->count;
  write_node (w, body);
  emit (w, (instruction){ .operation = GO, .x = fork });
  w->program[fork].y = (uint32_t)w->count;
}

static void
write_repeat (writer *w, const adze_tree_node *node)
{
  for (uint32_t i = 0; i < node->least && !w->too_large; i++)
    write_node (w, node->left);
  if (node->most == ADZE_PATTERN_FOREVER) {
    write_forever (w, node->left);
    return;
  }
  for (uint32_t i = node->least; i < node->most && !w->too_large; i++) {
    uint32_t fork = emit (w, (instruction){ .operation = FORK });
    w->program[fork].x = (uint32_t)w->count;
    write_node (w, node->left);
    w->program[fork].y = (uint32_t)w->count;
  }
}

static void
write_node (writer *w, uint32_t index)
{
  const adze_tree_node *node = &w->tree->nodes[index];
  if (w->steps++ > STEPS_MAX)
    w->too_large = true;
  if (w->too_large)
    return;
  switch (node->kind) {
  case ADZE_TREE_EMPTY:
    break;
  case ADZE_TREE_CHARACTER:
    emit (w, (instruction){ .operation = READ_CHARACTER, .code = node->code });
    break;
  case ADZE_TREE_ANY:
    emit (w, (instruction){ .operation = READ_ANY });
    break;
  case ADZE_TREE_SET:
    w->steps += node->right * RANGE_STEPS;
    emit (w, (instruction){ .operation = READ_SET,
                            .negated = node->negated,
                            .code = node->left,
                            .x = node->right });
    break;
  case ADZE_TREE_FIRST:
    emit (w, (instruction){ .operation = AT_FIRST });
    break;
  case ADZE_TREE_LAST:
    emit (w, (instruction){ .operation = AT_LAST });
    break;
  case ADZE_TREE_THEN:
    write_node (w, node->left);
    write_node (w, node->right);
    break;
  case ADZE_TREE_OR:
    write_or (w, node);
    break;
  case ADZE_TREE_REPEAT:
    write_repeat (w, node);
    break;
  }
}

static adze_error *
write_program (const adze_tree *tree, uint32_t root, adze_pattern *pattern)
{
  writer w = { .tree = tree, .program = calloc (PROGRAM_MAX, sizeof (instruction)) };
  if (!w.program)
    return adze_error_memory ();
  pattern->program = w.program;
  write_node (&w, root);
  emit (&w, (instruction){ .operation = DONE });
  pattern->count = w.count;
  if (w.too_large)
    return adze_tree_error (tree, 1, "its repetitions, written out, are too many");
  instruction *fitting = realloc (w.program, w.count * sizeof *fitting);
  if (fitting)
    pattern->program = fitting;
  return NULL;
}

/* ---- Opening and closing. */

void
adze_pattern_close (adze_pattern *pattern)
{
  if (!pattern)
    return;
  free (pattern->program);
  free (pattern->ranges);
  free (pattern);
}

static void
cleanup_pattern (adze_pattern **pattern)
{
  adze_pattern_close (*pattern);
}

static adze_error *
read_pattern (adze_tree *tree, bool regex, adze_pattern *pattern)
{
  uint32_t root;
  /* At most three nodes of a character and two at the ends; four ranges of one that names a class. */
  tree->capacity = 4 * tree->size + 4;
  tree->range_capacity = 4 * tree->size + 4;
  ADZE_AUTO_FREE adze_tree_node *nodes = calloc (tree->capacity, sizeof *nodes);
  pattern->ranges = calloc (tree->range_capacity, sizeof *pattern->ranges);
  tree->nodes = nodes;
  tree->ranges = pattern->ranges;
  if (!nodes || !pattern->ranges)
    return adze_error_memory ();
  ADZE_TRY (regex ? adze_tree_regex (tree, &root) : adze_tree_glob (tree, &root));
  return write_program (tree, root, pattern);
}

adze_error *
adze_pattern_open (const char *text, adze_pattern **pattern)
{
  *pattern = NULL;
  bool regex = strncmp (text, "re:", 3) == 0;
  adze_tree tree = { .text = text,
                     .size = strnlen (text, ADZE_PATTERN_MAX + 1),
                     .at = regex ? 3 : 0,
                     .number = regex ? 4 : 1 };
  if (tree.size > ADZE_PATTERN_MAX)
    return adze_error_new (ADZE_E_PARAM, "the pattern is longer than %d bytes", ADZE_PATTERN_MAX);
  if (tree.size == tree.at)
    return adze_tree_error (&tree, 1, "it is empty; \"*\" is the one that matches every name");
  __attribute__ ((cleanup (cleanup_pattern))) adze_pattern *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (read_pattern (&tree, regex, made));
  *pattern = adze_take (&made);
  return NULL;
}

/* ---- Matching. */

/* Which instructions wait for a character, each once. */
typedef struct threads {
  uint16_t list[PROGRAM_MAX];
  size_t count;
} threads;

typedef struct place {
  bool first, last; /* is it where the name begins, where it ends? */
} place;

/* Adds AT and all that can be reached from there without reading. SEEN says what has been, in this
 * ROUND, so that loops that read nothing end. */
static void
add_thread (const adze_pattern *pattern, uint32_t at, place where, uint32_t *seen, uint32_t round,
            threads *into)
{
  uint16_t stack[PROGRAM_MAX];
  size_t depth = 0;
  stack[depth++] = (uint16_t)at;
  seen[at] = round;
  while (depth > 0) {
    uint16_t now = stack[--depth];
    const instruction *one = &pattern->program[now];
    bool goes = one->operation == GO || one->operation == FORK;
    bool passes
        = (one->operation == AT_FIRST && where.first) || (one->operation == AT_LAST && where.last);
    uint32_t targets[2] = { goes ? one->x : now + 1u, one->y };
    size_t count = one->operation == FORK ? 2 : goes || passes ? 1 : 0;
    for (size_t i = 0; i < count; i++)
      if (seen[targets[i]] != round) {
        seen[targets[i]] = round;
        stack[depth++] = (uint16_t)targets[i];
      }
    if (!goes && one->operation != AT_FIRST && one->operation != AT_LAST)
      into->list[into->count++] = now;
  }
}

static bool
in_set (const adze_pattern *pattern, const instruction *set, uint32_t code)
{
  for (uint32_t i = 0; i < set->x; i++) {
    const adze_tree_range *range = &pattern->ranges[set->code + i];
    if (code >= range->first && code <= range->last)
      return !set->negated;
  }
  return set->negated;
}

static bool
reads (const adze_pattern *pattern, const instruction *one, uint32_t code)
{
  switch (one->operation) {
  case READ_CHARACTER:
    return one->code == code;
  case READ_ANY:
    return true;
  case READ_SET:
    return in_set (pattern, one, code);
  default:
    return false;
  }
}

bool
adze_pattern_matches (const adze_pattern *pattern, const char *name)
{
  uint32_t seen[PROGRAM_MAX];
  threads lists[2];
  threads *now = &lists[0], *next = &lists[1];
  size_t size = strlen (name);
  uint32_t round = 1;
  memset (seen, 0, pattern->count * sizeof *seen);
  now->count = 0;
  add_thread (pattern, 0, (place){ .first = true, .last = size == 0 }, seen, round, now);
  while (size > 0 && now->count > 0) {
    size_t length;
    uint32_t code = adze_tree_character (name, size, &length);
    name += length;
    size -= length;
    round++;
    next->count = 0;
    for (size_t i = 0; i < now->count; i++)
      if (reads (pattern, &pattern->program[now->list[i]], code)
          && seen[now->list[i] + 1u] != round)
        add_thread (pattern, now->list[i] + 1u, (place){ .last = size == 0 }, seen, round, next);
    threads *done = now;
    now = next;
    next = done;
  }
  for (size_t i = 0; size == 0 && i < now->count; i++)
    if (pattern->program[now->list[i]].operation == DONE)
      return true;
  return false;
}

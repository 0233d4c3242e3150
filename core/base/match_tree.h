/* SPDX-License-Identifier: Apache-2.0 */
/* base/match_tree.h: a pattern as a tree, between its text (match_glob.c, match_regex.c) and what
 * is run on names (match.c). Private to the three. */
#ifndef ADZE_BASE_MATCH_TREE_H
#define ADZE_BASE_MATCH_TREE_H

#include "base/buffer.h"

/* A longer pattern is no rule that somebody wrote. Bounds the recursion over its tree, too. */
#define ADZE_PATTERN_MAX 1024
#define ADZE_PATTERN_DEPTH_MAX 32
#define ADZE_PATTERN_REPEAT_MAX 255
#define ADZE_PATTERN_FOREVER UINT32_MAX

typedef enum adze_tree_kind {
  ADZE_TREE_EMPTY = 0,
  ADZE_TREE_CHARACTER,
  ADZE_TREE_ANY, /* one character, whichever */
  ADZE_TREE_SET,
  ADZE_TREE_FIRST, /* the beginning of the name */
  ADZE_TREE_LAST,  /* its end */
  ADZE_TREE_THEN,  /* left, then right */
  ADZE_TREE_OR,    /* left, or right */
  ADZE_TREE_REPEAT /* left, LEAST to MOST times */
} adze_tree_kind;

typedef struct adze_tree_node {
  adze_tree_kind kind;
  bool negated;   /* of a set */
  uint32_t left;  /* a node; of a set, its first range */
  uint32_t right; /* a node; of a set, how many ranges */
  uint32_t code;  /* of a character */
  uint32_t least, most;
} adze_tree_node;

typedef struct adze_tree_range {
  uint32_t first, last;
} adze_tree_range;

/* A pattern while it is read. Room for nodes and ranges is made beforehand: neither notation makes
 * more than a few of one character. */
typedef struct adze_tree {
  const char *text;
  size_t size;
  size_t at;     /* byte */
  size_t number; /* character, from 1 */
  size_t depth;
  adze_tree_node *nodes;
  size_t count, capacity;
  adze_tree_range *ranges;
  size_t range_count, range_capacity;
} adze_tree;

/* What stands at AT; ADZE_TREE_END behind the last. A byte that is not UTF-8 is a character of its
 * own, beyond all others. */
#define ADZE_TREE_END UINT32_MAX
uint32_t adze_tree_peek (const adze_tree *tree);
uint32_t adze_tree_next (adze_tree *tree);
bool adze_tree_take (adze_tree *tree, uint32_t code); /* goes on if it is there */

/* The character that begins TEXT; *LENGTH is how many bytes it takes. */
uint32_t adze_tree_character (const char *text, size_t size, size_t *length);

uint32_t adze_tree_add (adze_tree *tree, adze_tree_node node);
uint32_t adze_tree_join (adze_tree *tree, adze_tree_kind kind, uint32_t left, uint32_t right);
void adze_tree_add_range (adze_tree *tree, uint32_t first, uint32_t last);

/* A complaint about character NUMBER, which is also the fact "character". */
ADZE_MUST_CHECK ADZE_PRINTF (3, 4) adze_error *adze_tree_error (const adze_tree *tree,
                                                                size_t number, const char *format,
                                                                ...);

/* "[...]", whose opening bracket, at character OPENED, has been taken. NEGATION is what stands
 * for "none of". */
ADZE_MUST_CHECK adze_error *adze_tree_set (adze_tree *tree, size_t opened, char negation,
                                           bool escapes, uint32_t *node);

/* Each reads all of the text. */
ADZE_MUST_CHECK adze_error *adze_tree_glob (adze_tree *tree, uint32_t *root);
ADZE_MUST_CHECK adze_error *adze_tree_regex (adze_tree *tree, uint32_t *root);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* base/match_regex.c: POSIX extended regular expressions, without what makes them slow
 * (back-references) and what means something else in every program (\d and the like). */
#include <string.h>

#include "base/match_tree.h"

static adze_error *read_or (adze_tree *tree, uint32_t *node);

static adze_error *
read_group (adze_tree *tree, size_t opened, uint32_t *node)
{
  if (tree->depth++ >= ADZE_PATTERN_DEPTH_MAX)
    return adze_tree_error (tree, opened, "parentheses stand more than %d deep in each other",
                            ADZE_PATTERN_DEPTH_MAX);
  ADZE_TRY (read_or (tree, node));
  if (!adze_tree_take (tree, ')'))
    return adze_tree_error (tree, opened, "\"(\" is not closed by a \")\"");
  tree->depth--;
  return NULL;
}

static adze_error *
read_escape (adze_tree *tree, size_t number, uint32_t *code)
{
  static const struct {
    char letter;
    const char *instead;
  } elsewhere[] = {
    { 'd', "[0-9]" },         { 'D', "[^0-9]" },      { 'w', "[A-Za-z0-9_]" },
    { 'W', "[^A-Za-z0-9_]" }, { 's', "[[:space:]]" }, { 'S', "[^[:space:]]" },
  };
  *code = adze_tree_next (tree);
  if (*code == ADZE_TREE_END)
    return adze_tree_error (tree, number, "nothing follows the \"\\\" at its end");
  for (size_t i = 0; i < ADZE_COUNT_OF (elsewhere); i++)
    if (*code == (unsigned char)elsewhere[i].letter)
      return adze_tree_error (tree, number, "\"\\%c\" is not known here; write %s",
                              elsewhere[i].letter, elsewhere[i].instead);
  if (*code >= '0' && *code <= '9')
    return adze_tree_error (tree, number,
                            "\"\\%c\" asks for what a group has matched, which is not known here",
                            (char)*code);
  if (*code >= 0x80 || !strchr (".[]{}()\\*+?|^$-/\"'~!@#%&=:;,<>_ `", (int)*code))
    return adze_tree_error (tree, number, "\"\\\" stands in front of a character that needs none");
  return NULL;
}

static adze_error *
read_atom (adze_tree *tree, uint32_t *node)
{
  size_t number = tree->number;
  uint32_t code = adze_tree_next (tree);
  adze_tree_node leaf = { .kind = ADZE_TREE_CHARACTER };
  switch (code) {
  case '(':
    return read_group (tree, number, node);
  case '[':
    return adze_tree_set (tree, number, '^', false, node);
  case '.':
    leaf.kind = ADZE_TREE_ANY;
    break;
  case '^':
    leaf.kind = ADZE_TREE_FIRST;
    break;
  case '$':
    leaf.kind = ADZE_TREE_LAST;
    break;
  case '*':
  case '+':
  case '?':
  case '{':
    return adze_tree_error (
        tree, number,
        "there is nothing in front of \"%c\" that could be repeated; \"\\%c\" is "
        "the character itself",
        (char)code, (char)code);
  case '\\':
    ADZE_TRY (read_escape (tree, number, &code));
    break;
  default:
    break;
  }
  leaf.code = code;
  *node = adze_tree_add (tree, leaf);
  return NULL;
}

/* A number of a "{2,5}"; *FOUND is false when there is none. */
static adze_error *
read_count (adze_tree *tree, size_t opened, uint32_t *count, bool *found)
{
  *found = false;
  *count = 0;
  for (uint32_t code; (code = adze_tree_peek (tree)) >= '0' && code <= '9';) {
    adze_tree_next (tree);
    *found = true;
    *count = *count * 10 + (code - '0');
    if (*count > ADZE_PATTERN_REPEAT_MAX)
      return adze_tree_error (tree, opened, "more than %d repetitions are asked for",
                              ADZE_PATTERN_REPEAT_MAX);
  }
  return NULL;
}

static adze_error *
read_counts (adze_tree *tree, size_t opened, adze_tree_node *repeat)
{
  bool least, most;
  ADZE_TRY (read_count (tree, opened, &repeat->least, &least));
  repeat->most = repeat->least;
  if (adze_tree_take (tree, ',')) {
    ADZE_TRY (read_count (tree, opened, &repeat->most, &most));
    if (!most)
      repeat->most = ADZE_PATTERN_FOREVER;
  }
  if (!least || !adze_tree_take (tree, '}'))
    return adze_tree_error (tree, opened,
                            "\"{\" begins no count such as {2}, {2,} or {2,5}; \"\\{\" is the "
                            "character itself");
  if (repeat->most < repeat->least)
    return adze_tree_error (tree, opened, "this count runs backwards");
  return NULL;
}

static adze_error *
read_repeated (adze_tree *tree, uint32_t *node)
{
  ADZE_TRY (read_atom (tree, node));
  for (;;) {
    size_t number = tree->number;
    adze_tree_node repeat
        = { .kind = ADZE_TREE_REPEAT, .left = *node, .most = ADZE_PATTERN_FOREVER };
    if (adze_tree_take (tree, '+'))
      repeat.least = 1;
    else if (adze_tree_take (tree, '?'))
      repeat.most = 1;
    else if (adze_tree_take (tree, '{'))
      ADZE_TRY (read_counts (tree, number, &repeat));
    else if (!adze_tree_take (tree, '*'))
      return NULL;
    *node = adze_tree_add (tree, repeat);
  }
}

static adze_error *
read_then (adze_tree *tree, uint32_t *node)
{
  *node = adze_tree_add (tree, (adze_tree_node){ .kind = ADZE_TREE_EMPTY });
  for (;;) {
    uint32_t code = adze_tree_peek (tree), next;
    /* Outside of all parentheses, a closing one is a character like any other. */
    if (code == ADZE_TREE_END || code == '|' || (code == ')' && tree->depth > 0))
      return NULL;
    ADZE_TRY (read_repeated (tree, &next));
    *node = adze_tree_join (tree, ADZE_TREE_THEN, *node, next);
  }
}

static adze_error *
read_or (adze_tree *tree, uint32_t *node)
{
  uint32_t other;
  ADZE_TRY (read_then (tree, node));
  while (adze_tree_take (tree, '|')) {
    ADZE_TRY (read_then (tree, &other));
    *node = adze_tree_join (tree, ADZE_TREE_OR, *node, other);
  }
  return NULL;
}

adze_error *
adze_tree_regex (adze_tree *tree, uint32_t *root)
{
  return read_or (tree, root);
}

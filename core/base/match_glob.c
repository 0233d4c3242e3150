/* SPDX-License-Identifier: Apache-2.0 */
/* base/match_glob.c: globs: "*", "?", "[a-z]", "[!a-z]", "{a,b}", and "\" in front of one of these
 * for the character itself. */
#include "base/match_tree.h"

static adze_error *read_words (adze_tree *tree, bool inside, uint32_t *node);

/* "{a,b}", whose brace has been taken. */
static adze_error *
read_braces (adze_tree *tree, size_t opened, uint32_t *node)
{
  uint32_t word;
  if (tree->depth++ >= ADZE_PATTERN_DEPTH_MAX)
    return adze_tree_error (tree, opened, "braces stand more than %d deep in each other",
                            ADZE_PATTERN_DEPTH_MAX);
  ADZE_TRY (read_words (tree, true, node));
  while (adze_tree_take (tree, ',')) {
    ADZE_TRY (read_words (tree, true, &word));
    *node = adze_tree_join (tree, ADZE_TREE_OR, *node, word);
  }
  if (!adze_tree_take (tree, '}'))
    return adze_tree_error (tree, opened, "\"{\" is not closed by a \"}\"");
  tree->depth--;
  return NULL;
}

static adze_error *
read_set (adze_tree *tree, size_t opened, uint32_t *node)
{
  if (adze_tree_peek (tree) == '^')
    return adze_tree_error (tree, opened,
                            "\"none of\" is written [!...] in a glob, and [^...] behind re: only");
  return adze_tree_set (tree, opened, '!', true, node);
}

static adze_error *
read_one (adze_tree *tree, uint32_t *node)
{
  size_t number = tree->number;
  uint32_t code = adze_tree_next (tree);
  switch (code) {
  case '*': {
    uint32_t any = adze_tree_add (tree, (adze_tree_node){ .kind = ADZE_TREE_ANY });
    *node = adze_tree_add (
        tree,
        (adze_tree_node){ .kind = ADZE_TREE_REPEAT, .left = any, .most = ADZE_PATTERN_FOREVER });
    return NULL;
  }
  case '?':
    *node = adze_tree_add (tree, (adze_tree_node){ .kind = ADZE_TREE_ANY });
    return NULL;
  case '[':
    return read_set (tree, number, node);
  case '{':
    return read_braces (tree, number, node);
  case '\\':
    code = adze_tree_next (tree);
    if (code == ADZE_TREE_END)
      return adze_tree_error (tree, number, "nothing follows the \"\\\" at its end");
    break;
  default:
    break;
  }
  *node = adze_tree_add (tree, (adze_tree_node){ .kind = ADZE_TREE_CHARACTER, .code = code });
  return NULL;
}

/* INSIDE of braces, up to a comma or the closing one. */
static adze_error *
read_words (adze_tree *tree, bool inside, uint32_t *node)
{
  *node = adze_tree_add (tree, (adze_tree_node){ .kind = ADZE_TREE_EMPTY });
  for (;;) {
    uint32_t code = adze_tree_peek (tree), next;
    if (code == ADZE_TREE_END || (inside && (code == ',' || code == '}')))
      return NULL;
    ADZE_TRY (read_one (tree, &next));
    *node = adze_tree_join (tree, ADZE_TREE_THEN, *node, next);
  }
}

adze_error *
adze_tree_glob (adze_tree *tree, uint32_t *root)
{
  return read_words (tree, false, root);
}

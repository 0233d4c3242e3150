/* SPDX-License-Identifier: Apache-2.0 */
/* base/match_tree.c: what both notations of patterns have in common: characters, nodes, sets,
 * complaints. */
#include "base/match_tree.h"

#include <string.h>

/* ---- Characters. */

/* Where bytes that are not UTF-8 begin: behind the last code that Unicode has. */
#define RAW_BYTES 0x110000u

uint32_t
adze_tree_character (const char *text, size_t size, size_t *length)
{
  uint32_t code;
  *length = adze_utf8_read (text, size, &code);
  return code == ADZE_UTF8_BAD ? RAW_BYTES + (unsigned char)text[0] : code;
}

uint32_t
adze_tree_peek (const adze_tree *tree)
{
  size_t length;
  if (tree->at >= tree->size)
    return ADZE_TREE_END;
  return adze_tree_character (tree->text + tree->at, tree->size - tree->at, &length);
}

uint32_t
adze_tree_next (adze_tree *tree)
{
  size_t length;
  if (tree->at >= tree->size)
    return ADZE_TREE_END;
  uint32_t code = adze_tree_character (tree->text + tree->at, tree->size - tree->at, &length);
  tree->at += length;
  tree->number++;
  return code;
}

bool
adze_tree_take (adze_tree *tree, uint32_t code)
{
  if (adze_tree_peek (tree) != code)
    return false;
  adze_tree_next (tree);
  return true;
}

adze_error *
adze_tree_error (const adze_tree *tree, size_t number, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *what = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!what)
    return adze_error_memory ();
  adze_error *error
      = adze_error_new (ADZE_E_PARAM, "the pattern \"%s\" is no good: %s", tree->text, what);
  adze_error_setf (error, "character", "%zu", number);
  adze_error_set (error, "fault", what);
  return error;
}

/* ---- Nodes. The room was reckoned beforehand (match.c). */

uint32_t
adze_tree_add (adze_tree *tree, adze_tree_node node)
{
  if (tree->count == tree->capacity)
    abort ();
  tree->nodes[tree->count] = node;
  return (uint32_t)tree->count++;
}

uint32_t
adze_tree_join (adze_tree *tree, adze_tree_kind kind, uint32_t left, uint32_t right)
{
  if (kind == ADZE_TREE_THEN && tree->nodes[left].kind == ADZE_TREE_EMPTY)
    return right;
  return adze_tree_add (tree, (adze_tree_node){ .kind = kind, .left = left, .right = right });
}

void
adze_tree_add_range (adze_tree *tree, uint32_t first, uint32_t last)
{
  if (tree->range_count == tree->range_capacity)
    abort ();
  tree->ranges[tree->range_count++] = (adze_tree_range){ first, last };
}

/* ---- Sets. */

static const struct {
  const char *name;
  adze_tree_range ranges[4];
  size_t count;
} classes[] = {
  { "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
  { "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
  { "blank", { { ' ', ' ' }, { '\t', '\t' } }, 2 },
  { "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } }, 2 },
  { "digit", { { '0', '9' } }, 1 },
  { "graph", { { '!', '~' } }, 1 },
  { "lower", { { 'a', 'z' } }, 1 },
  { "print", { { ' ', '~' } }, 1 },
  { "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } }, 4 },
  { "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
  { "upper", { { 'A', 'Z' } }, 1 },
  { "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};

/* "[:NAME:]", of which "[:" has been taken. */
static adze_error *
add_class (adze_tree *tree, size_t opened)
{
  const char *name = tree->text + tree->at;
  size_t length = strspn (name, "abcdefghijklmnopqrstuvwxyz");
  bool closed = name[length] == ':' && name[length + 1] == ']';
  for (size_t i = 0; closed && i < ADZE_COUNT_OF (classes); i++)
    if (strlen (classes[i].name) == length && memcmp (classes[i].name, name, length) == 0) {
      for (size_t j = 0; j < classes[i].count; j++)
        adze_tree_add_range (tree, classes[i].ranges[j].first, classes[i].ranges[j].last);
      tree->at += length + 2;
      tree->number += length + 2;
      return NULL;
    }
  return adze_tree_error (tree, opened,
                          "\"[:\" begins no class of characters; those are [:alnum:], [:alpha:], "
                          "[:blank:], [:cntrl:], [:digit:], [:graph:], [:lower:], [:print:], "
                          "[:punct:], [:space:], [:upper:] and [:xdigit:]");
}

/* One end of a range, or all of a set's entry. */
static adze_error *
read_end (adze_tree *tree, size_t opened, bool escapes, uint32_t *code)
{
  *code = adze_tree_next (tree);
  if (escapes && *code == '\\')
    *code = adze_tree_next (tree);
  if (*code == ADZE_TREE_END)
    return adze_tree_error (tree, opened, "\"[\" is not closed by a \"]\"");
  return NULL;
}

static adze_error *
add_entry (adze_tree *tree, size_t opened, bool escapes)
{
  size_t number = tree->number;
  bool bracket = adze_tree_peek (tree) == '[';
  uint32_t first, last;
  ADZE_TRY (read_end (tree, opened, escapes, &first));
  uint32_t next = adze_tree_peek (tree);
  if (bracket && next == ':') {
    adze_tree_next (tree);
    return add_class (tree, number);
  }
  if (bracket && (next == '.' || next == '='))
    return adze_tree_error (tree, number, "collating elements, \"[%c\", are not known here",
                            (char)next);
  const char *rest = tree->text + tree->at;
  if (rest[0] != '-' || rest[1] == ']' || !rest[1]) {
    adze_tree_add_range (tree, first, first);
    return NULL;
  }
  adze_tree_next (tree);
  ADZE_TRY (read_end (tree, opened, escapes, &last));
  if (last < first)
    return adze_tree_error (tree, number, "this range of characters runs backwards");
  adze_tree_add_range (tree, first, last);
  return NULL;
}

adze_error *
adze_tree_set (adze_tree *tree, size_t opened, char negation, bool escapes, uint32_t *node)
{
  adze_tree_node set = { .kind = ADZE_TREE_SET, .left = (uint32_t)tree->range_count };
  set.negated = adze_tree_take (tree, (unsigned char)negation);
  /* A "]" that comes first is one of the characters. */
  do
    ADZE_TRY (add_entry (tree, opened, escapes));
  while (!adze_tree_take (tree, ']'));
  set.right = (uint32_t)(tree->range_count - set.left);
  *node = adze_tree_add (tree, set);
  return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag_line.c: one line of a graph of causes: "A --> B", "A --- B", "A <-> B" or a name, and perhaps a remark.
 *
 * Whoever is used to another way of writing graphs must not get one that says something else: what looks like an
 * arrow, a list or a remark and is none is refused where it stands, unless a name has it in quotes. */
#include "artifact/dag_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define WANTED "needed is \"A --> B\", \"A --- B\" or \"A <-> B\", found "

typedef struct reader {
  const char *path;
  size_t number;
  const char *text, *end, *at;
} reader;

typedef struct word {
  const char *text, *end;
} word;

static const struct {
  char text[4];
  adze_dag_mark mark;
} marks[] = { { "-->", ADZE_DAG_CAUSES }, { "---", ADZE_DAG_EITHER }, { "<->", ADZE_DAG_HIDDEN } };

/* ---- Messages. */

/* Of SHOWN as much as a message has room for; no character is cut in the middle. */
static int
cut (const char *shown, size_t size)
{
  size_t at = 0;
  while (at < size && at < 64) {
    uint32_t code;
    at += adze_utf8_read (shown + at, size - at, &code);
  }
  return (int)at;
}

adze_error *
adze_dag_line_bad (const char *path, size_t number, size_t column, const char *what, const char *shown, size_t size)
{
  char place[32] = "";
  if (number == 0)
    return adze_error_new (ADZE_E_FORMAT, "%s'%.*s'", what, cut (shown, size), shown);
  if (column > 0)
    snprintf (place, sizeof place, "%zu:", column);
  adze_error *error
      = adze_error_new (ADZE_E_FORMAT, "%s:%zu:%s %s'%.*s'", path, number, place, what, cut (shown, size), shown);
  adze_error_set (error, "file", path);
  adze_error_setf (error, "line", "%zu", number);
  if (column > 0)
    adze_error_setf (error, "column", "%zu", column);
  return error;
}

/* Characters of the line up to AT, and one. */
static size_t
column_of (const reader *r, const char *at)
{
  size_t column = 1;
  uint32_t code;
  for (const char *from = r->text; from < at; column++)
    from += adze_utf8_read (from, (size_t)(r->end - from), &code);
  return column;
}

static adze_error *
refuse (const reader *r, const char *at, const char *what)
{
  return adze_dag_line_bad (r->path, r->number, column_of (r, at), what, r->text, (size_t)(r->end - r->text));
}

/* ---- Signs. */

static bool
is_blank (char byte)
{
  return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool
is_dash (uint32_t code)
{
  return code == '-' || (code >= 0x2010 && code <= 0x2015) || code == 0x2212;
}

static bool
is_pictured_arrow (uint32_t code)
{
  return (code >= 0x2190 && code <= 0x21ff) || (code >= 0x27f0 && code <= 0x27ff)
         || (code >= 0x2900 && code <= 0x297f) || (code >= 0x2b00 && code <= 0x2b4f);
}

/* What nobody sees, or takes for a blank. */
static bool
is_unseen (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code <= 0xa0) || (code >= 0x2000 && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202f) || code == 0x2060 || code == 0x3000 || code == 0xfeff;
}

/* Two that make an arrow, with nothing between them. */
static bool
make_an_arrow (uint32_t one, uint32_t next)
{
  const bool shaft = is_dash (one) || one == '=' || one == '~', more = is_dash (next) || next == '=' || next == '~';
  return (shaft && next == '>') || (one == '<' && more) || (one == '-' && next == '-');
}

/* "-", "=>", "o-o": some of it is drawn, and there is nothing else. */
static bool
is_drawn (word w)
{
  bool drawn = false;
  uint32_t code;
  for (const char *at = w.text; at < w.end;) {
    at += adze_utf8_read (at, (size_t)(w.end - at), &code);
    if (is_dash (code) || (code < 0x80 && strchr ("=<>~", (int)code)))
      drawn = true;
    else if (!(code < 0x80 && strchr ("|*o.", (int)code)))
      return false;
  }
  return drawn;
}

static adze_error *
check_word (const reader *r, word w)
{
  static const char arrow[] = "this is no arrow that is known here, and a name that has it stands in quotes; " WANTED;
  uint32_t code = 0, before = 0;
  if (is_drawn (w))
    return refuse (r, w.text, arrow);
  if (w.end - w.text >= 2 && memcmp (w.text, "//", 2) == 0)
    return refuse (r, w.text, "a remark begins with '#', and a name with '//' stands in quotes: ");
  for (const char *at = w.text, *from; at < w.end; before = code) {
    from = at;
    at += adze_utf8_read (at, (size_t)(w.end - at), &code);
    if (is_pictured_arrow (code) || make_an_arrow (before, code))
      return refuse (r, is_pictured_arrow (code) ? from : from - 1, arrow);
    if (is_unseen (code))
      return refuse (r, from, "a sign that is not seen, and a name that has it stands in quotes: ");
    if (code < 0x80 && strchr (",;{}[]\"", (int)code))
      return refuse (r, from,
                     "each edge has a line of its own, and a name with one of , ; { } [ ] \" stands in quotes, where "
                     "\"\" is one: ");
  }
  return NULL;
}

/* ---- Words. */

static void
skip_blanks (reader *r)
{
  while (r->at < r->end && is_blank (*r->at))
    r->at++;
}

static word
peek (const reader *r)
{
  word w = { r->at, r->at };
  while (w.end < r->end && !is_blank (*w.end))
    w.end++;
  return w;
}

static bool
is_mark (word w, uint32_t *mark)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (marks); i++)
    if (w.end - w.text == 3 && memcmp (w.text, marks[i].text, 3) == 0) {
      *mark = marks[i].mark;
      return true;
    }
  return false;
}

/* At the end, or at a remark? Behind something else the sign of a remark stands by itself: "item #5" is a name that
 * lacks its quotes. */
static adze_error *
is_over (const reader *r, bool *over)
{
  const word w = peek (r);
  *over = w.text == w.end || *w.text == '#';
  for (const char *at = w.text; *over && at < w.end; at++)
    if (*at != '#')
      return refuse (r, w.text, "a remark begins with '#' and a blank, and a name with '#' stands in quotes: ");
  return NULL;
}

/* ---- Names. */

static adze_error *
read_quoted (reader *r, char **name)
{
  const char *first = r->at++;
  size_t size = 0;
  *name = malloc ((size_t)(r->end - first) + 1);
  if (!*name)
    return adze_error_memory ();
  for (; r->at < r->end && !(*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"')); r->at++) {
    r->at += *r->at == '"'; /* of two, one */
    (*name)[size++] = *r->at;
  }
  (*name)[size] = '\0';
  if (r->at == r->end)
    return refuse (r, first, "a quote that never ends: ");
  r->at++;
  if (size == 0)
    return refuse (r, first, "a name with nothing in it: ");
  return r->at == r->end || is_blank (*r->at) ? NULL : refuse (r, r->at, "needed behind a quote is a blank: ");
}

/* Words up to an arrow, a remark or the end. */
static adze_error *
read_plain (reader *r, char **name)
{
  word whole = { r->at, r->at };
  for (bool over = false;;) {
    uint32_t mark;
    ADZE_TRY (is_over (r, &over));
    const word w = peek (r);
    if (over || is_mark (w, &mark))
      break;
    if (whole.end > whole.text && memchr (whole.end, '\t', (size_t)(w.text - whole.end)))
      return refuse (r, whole.end, "a tab in a name, which stands in quotes then: ");
    ADZE_TRY (check_word (r, w));
    whole.end = r->at = w.end;
    skip_blanks (r);
  }
  if (whole.text == whole.end)
    return refuse (r, r->at, "a name is missing; " WANTED);
  *name = strndup (whole.text, (size_t)(whole.end - whole.text));
  return *name ? NULL : adze_error_memory ();
}

static adze_error *
read_name (reader *r, char **name)
{
  skip_blanks (r);
  if (r->at == r->end || *r->at != '"')
    return read_plain (r, name);
  adze_error *error = read_quoted (r, name);
  if (!error)
    skip_blanks (r);
  return error;
}

/* ---- A line. */

static adze_error *
check_text (const reader *r)
{
  for (const char *at = r->text; at < r->end;) {
    uint32_t code;
    const char *from = at;
    at += adze_utf8_read (at, (size_t)(r->end - at), &code);
    if (code == ADZE_UTF8_BAD || code == 0)
      return refuse (r, from, code == 0 ? "a NUL in it: " : "not UTF-8: ");
  }
  return NULL;
}

adze_error *
adze_dag_line_read (const char *path, size_t number, const char *text, size_t size, adze_dag_told *told)
{
  reader r = { path, number, text, text + size, text };
  bool over = false;
  while (r.end > r.text && is_blank (r.end[-1]))
    r.end--;
  skip_blanks (&r);
  if (r.at == r.end || *r.at == '#')
    return NULL;
  ADZE_TRY (check_text (&r));
  ADZE_TRY (read_name (&r, &told->from));
  ADZE_TRY (is_over (&r, &over));
  if (over)
    return NULL;
  const word middle = peek (&r);
  if (!is_mark (middle, &told->mark))
    return refuse (&r, r.at, WANTED);
  r.at = middle.end;
  ADZE_TRY (read_name (&r, &told->to));
  ADZE_TRY (is_over (&r, &over));
  return over ? NULL : refuse (&r, r.at, "an edge has two ends; " WANTED);
}

void
adze_dag_told_cleanup (adze_dag_told *told)
{
  free (told->from);
  free (told->to);
}

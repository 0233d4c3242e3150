/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/place.c: from a character of a string to the line and column where it was written, past
 * quotes and escapes. */
#include "pipeline/place.h"

#include <string.h>

/* Where line LINE of TEXT begins; NULL beyond the last. */
static const char *
line_start (const char *text, uint32_t line)
{
  if (strncmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;
  for (; text && line > 1; line--) {
    text = strchr (text, '\n');
    text = text ? text + 1 : NULL;
  }
  return text;
}

/* A place that moves through the text. */
typedef struct cursor {
  const char *at;
  uint32_t line, column;
} cursor;

static void
step (cursor *c)
{
  uint32_t code;
  if (!*c->at)
    return;
  bool newline = *c->at == '\n';
  c->at += adze_utf8_read (c->at, strlen (c->at), &code);
  c->line += newline;
  c->column = newline ? 1 : c->column + 1;
}

static void
steps (cursor *c, size_t count)
{
  for (size_t i = 0; i < count; i++)
    step (c);
}

/* A backslash at the end of a line takes away itself and all blanks behind it. */
static void
skip_line_end (cursor *c)
{
  while (c->at[0] == '\\' && c->at[1] && strchr ("\n\r \t", c->at[1])) {
    step (c);
    while (*c->at && strchr (" \t\r\n", *c->at))
      step (c);
  }
}

/* Past one character of the string, however it is written: "\n", "\u00e9". */
static void
step_written (cursor *c, char quote)
{
  char kind = quote == '"' && *c->at == '\\' ? c->at[1] : '\0';
  steps (c, kind == 'u' ? 6 : kind == 'U' ? 10 : kind ? 2 : 1);
}

adze_value
adze_place_inside (const adze_document *document, const adze_value *at, size_t number)
{
  adze_value place = { .line = at->line, .column = at->column, .origin = at->origin };
  const char *text = at->origin ? at->origin->text : document->text;
  cursor c = { text ? line_start (text, at->line) : NULL, at->line, 1 };
  if (!c.at || at->line == 0)
    return place;
  steps (&c, at->column > 0 ? at->column - 1 : 0);
  bool quoted = *c.at == '"' || *c.at == '\'';
  char quote = quoted ? *c.at : '\0';
  bool is_long = quoted && c.at[1] == quote && c.at[2] == quote;
  steps (&c, is_long ? 3 : quoted ? 1 : 0);
  if (is_long && *c.at == '\r')
    step (&c);
  if (is_long && *c.at == '\n')
    step (&c);
  for (size_t i = 1; i <= number && *c.at; i++) {
    if (quote == '"')
      skip_line_end (&c);
    if (i < number)
      step_written (&c, quote);
  }
  place.line = c.line;
  place.column = c.column;
  return place;
}

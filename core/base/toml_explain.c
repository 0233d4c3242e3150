/* SPDX-License-Identifier: Apache-2.0 */
/* base/toml_explain.c: syntax errors, for people.
 *
 * The parser says what it expected and what it saw, at the character that it stopped at; that is
 * where it understood that something is wrong, not where a person would mend it. So the line is
 * looked at once more. Up to the first fault the text is good TOML, which is what makes it
 * possible to say where something stood before.
 */
#include "base/toml_explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

typedef struct fault {
  const adze_document *document;
  const char *what; /* in the parser's words */
  const char *line; /* its text, and how long it is */
  size_t size;
  size_t at; /* the byte of it where the parser stopped */
  uint32_t number;
  uint32_t column; /* as the parser counts */
} fault;

/* ---- The text. */

static const char *
text_of (const adze_document *document)
{
  const char *text = document->text;
  return strncmp (text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static void
find_line (fault *f)
{
  f->line = text_of (f->document);
  for (uint32_t i = 1; i < f->number && *f->line; i++) {
    f->line += strcspn (f->line, "\n");
    f->line += *f->line == '\n';
  }
  f->size = strcspn (f->line, "\r\n");
  uint32_t column = 1;
  while (f->at < f->size && column < f->column) {
    f->at++;
    column += f->at == f->size || ((unsigned char)f->line[f->at] & 0xc0u) != 0x80u;
  }
}

static bool
says (const fault *f, const char *words)
{
  return strstr (f->what, words) != NULL;
}

/* The error stands at byte OFFSET of line NUMBER, which begins with LINE. */
ADZE_PRINTF (4, 5)
static adze_error *
say_in (const adze_document *document, uint32_t number, const char *upto[2], const char *format,
        ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  adze_value place = { .line = number, .column = 1 };
  for (const char *c = upto[0]; c < upto[1]; c++)
    place.column += ((unsigned char)*c & 0xc0u) != 0x80u;
  return text ? adze_document_error (document, &place, "%s", text) : adze_error_memory ();
}

/* At byte OFFSET of the line. */
#define say(f, offset, ...) \
  say_in ((f)->document, (f)->number, (const char *[2]){ (f)->line, (f)->line + (offset) }, \
          __VA_ARGS__)

static size_t
skip_blanks (const fault *f, size_t at)
{
  while (at < f->size && strchr (" \t", f->line[at]))
    at++;
  return at;
}

/* Past the blanks in front of AT. */
static size_t
back_over_blanks (const fault *f, size_t at)
{
  while (at > 0 && strchr (" \t", f->line[at - 1]))
    at--;
  return at;
}

/* ---- What stood before. */

/* One that goes through the statements of a text: "[table]" and "key = value". */
typedef struct walk {
  const char *at;
  uint32_t line;
  const char *open; /* the string that never ends; NULL: none */
  uint32_t open_line;
  const char *begin; /* the statement: "[[a]]", or "key" without what follows it */
  size_t size;
  uint32_t begin_line;
} walk;

static void
step (walk *w)
{
  w->line += *w->at == '\n';
  w->at++;
}

static void
pass_string (walk *w)
{
  char quote = *w->at;
  bool is_long = w->at[1] == quote && w->at[2] == quote;
  w->open = w->at;
  w->open_line = w->line;
  w->at += is_long ? 3 : 1;
  for (; *w->at; step (w)) {
    if (*w->at == '\\' && quote == '"' && w->at[1]) {
      step (w);
    } else if (*w->at == '\n' && !is_long) {
      return;
    } else if (*w->at == quote && (!is_long || (w->at[1] == quote && w->at[2] == quote))) {
      w->at += is_long ? 3 : 1;
      /* Up to two quotes in front of the closing three are the string's own. */
      for (int i = 0; is_long && i < 2 && *w->at == quote; i++)
        w->at++;
      w->open = NULL;
      return;
    }
  }
}

/* Past what is left of the statement: to the end of a line outside of all brackets. */
static void
pass_value (walk *w)
{
  size_t depth = 0;
  while (*w->at && !w->open && (*w->at != '\n' || depth > 0)) {
    if (*w->at == '"' || *w->at == '\'') {
      pass_string (w);
      continue;
    }
    if (*w->at == '#') {
      w->at += strcspn (w->at, "\n");
      continue;
    }
    if (strchr ("[{", *w->at))
      depth++;
    else if (strchr ("]}", *w->at) && depth > 0)
      depth--;
    step (w);
  }
}

/* To the next statement that begins in front of line BEFORE; false: there is none. */
static bool
next_statement (walk *w, uint32_t before)
{
  for (;;) {
    while (*w->at && strchr (" \t\r\n", *w->at))
      step (w);
    if (*w->at != '#')
      break;
    w->at += strcspn (w->at, "\n");
  }
  if (!*w->at || w->line >= before || w->open)
    return false;
  w->begin = w->at;
  w->begin_line = w->line;
  w->size = strcspn (w->at, *w->at == '[' ? "\r\n#" : "\r\n=");
  while (w->size > 0 && strchr (" \t", w->begin[w->size - 1]))
    w->size--;
  pass_value (w);
  return true;
}

static bool
is_statement (const walk *w, const char *text, size_t size)
{
  return w->size == size && memcmp (w->begin, text, size) == 0;
}

/* The line in which the table HEADER begins, above the fault; 0: none does. */
static uint32_t
find_header (const fault *f, const char *header, size_t size)
{
  walk w = { .at = text_of (f->document), .line = 1 };
  while (next_statement (&w, f->number))
    if (is_statement (&w, header, size))
      return w.begin_line;
  return 0;
}

/* The line in which KEY stands in the table that the fault lies in; 0: none does, as it is written. */
static uint32_t
find_key (const fault *f, const char *key, size_t size)
{
  walk w = { .at = text_of (f->document), .line = 1 };
  uint32_t found = 0;
  while (next_statement (&w, f->number))
    if (*w.begin == '[')
      found = 0;
    else if (is_statement (&w, key, size))
      found = w.begin_line;
  return found;
}

/* ---- Tables. */

/* "[[stage" without its brackets, and how many there are on each side. */
static bool
look_at_header (const fault *f, size_t *start, size_t *open, size_t *close, size_t *end)
{
  *start = skip_blanks (f, 0);
  *open = strspn (f->line + *start, "[");
  size_t name = *start + *open;
  while (name < f->size && !strchr ("]#=\"'", f->line[name]))
    name++;
  *end = name;
  *close = name < f->size ? strspn (f->line + name, "]") : 0;
  return *open == 1 || *open == 2;
}

/* The table is there already, or is one of several in one place and alone in another. */
static adze_error *
explain_table_twice (const fault *f, size_t start, size_t open, size_t end)
{
  const char *header = f->line + start;
  size_t size = end + open - start;
  uint32_t line = find_header (f, header, size);
  if (line > 0)
    return say (f, start, "%.*s is there already, in line %u; put these keys there", (int)size,
                header, (unsigned)line);
  ADZE_AUTO_FREE char *other
      = open == 2 ? strndup (header + 1, size - 2) : adze_text_format ("[%.*s]", (int)size, header);
  if (!other)
    return adze_error_memory ();
  line = find_header (f, other, strlen (other));
  return line > 0 ? say (f, start, "%.*s is written %s in line %u; write both in the same way",
                         (int)size, header, other, (unsigned)line)
                  : NULL;
}

static adze_error *
explain_header (const fault *f)
{
  size_t start, open, close, end;
  if (!says (f, "table header") || !look_at_header (f, &start, &open, &close, &end))
    return NULL;
  size_t name = start + open, last = back_over_blanks (f, end);
  const char *both[] = { "", "[", "[[" }, *ends[] = { "", "]", "]]" };
  if (says (f, "cannot redefine") && close == open)
    return explain_table_twice (f, start, open, end);
  if (name >= last)
    return say (f, name, "the name of the table is missing between the brackets");
  if (close < open && end == f->size)
    return say (f, last, "the line ends, and %s missing: %s%.*s%s",
                close + 1 == open ? "one ']' is" : "']]' is", both[open], (int)(last - name),
                f->line + name, ends[open]);
  if (close < open && skip_blanks (f, end + close) == f->size)
    return say (f, end + close, "the line ends, and one ']' is missing: %s%.*s%s", both[open],
                (int)(last - name), f->line + name, ends[open]);
  if (close > open)
    return say (f, end + open, "here is one ']' more than there are '[': %s%.*s%s", both[open],
                (int)(last - name), f->line + name, ends[open]);
  if (close == open && says (f, "comment or whitespace"))
    return say (f, f->at, "the name of a table has a line of its own; its keys stand below it");
  return NULL;
}

/* ---- Keys. */

/* The key that stands in front of the value at the fault, as it is written: first byte, and behind
 * the last. */
static bool
find_key_before (const fault *f, size_t *start, size_t *end)
{
  size_t at = back_over_blanks (f, f->at);
  if (at == 0 || f->line[at - 1] != '=')
    return false;
  *end = back_over_blanks (f, at - 1);
  *start = *end;
  while (*start > 0 && !strchr (" \t{,", f->line[*start - 1]))
    --*start;
  return *start < *end;
}

static adze_error *
explain_key_twice (const fault *f)
{
  size_t start, end;
  if (!says (f, "cannot redefine existing") || says (f, "dotted")
      || !find_key_before (f, &start, &end))
    return NULL;
  int size = (int)(end - start);
  const char *key = f->line + start;
  uint32_t line = start == skip_blanks (f, 0) ? find_key (f, key, end - start) : 0;
  if (line > 0)
    return say (f, start, "'%.*s' is given twice in this table; it stands in line %u already", size,
                key, (unsigned)line);
  return say (f, start, "'%.*s' is given twice in this table", size, key);
}

static adze_error *
explain_equals (const fault *f)
{
  bool ends = says (f, "key-value pair: encountered end-of-file") && f->size > 0
              && !memchr (f->line, '=', f->size);
  if (!ends && !says (f, "expected '=', saw"))
    return NULL;
  size_t start = skip_blanks (f, 0), end = back_over_blanks (f, f->at);
  if (f->at >= f->size)
    return say (f, end, "here the line ends, and a key needs a value: %.*s = ...",
                (int)(end > start ? end - start : 0), f->line + start);
  if (isalnum ((unsigned char)f->line[f->at]) && memchr (f->line + f->at, '=', f->size - f->at))
    return say (f, f->at, "a key of several words stands between quotes, and '=' behind it");
  return say (f, f->at, "behind a key stands '=', and here is '%c'", f->line[f->at]);
}

/* ---- Strings. */

static adze_error *
explain_string (const fault *f)
{
  bool ends = says (f, "control characters") && f->at >= f->size;
  if (!ends && !(says (f, "string: encountered end-of-file")))
    return NULL;
  walk w = { .at = text_of (f->document), .line = 1 };
  while (next_statement (&w, f->number + 1))
    if (w.open)
      break;
  if (!w.open)
    return NULL;
  bool is_long = w.open[1] == *w.open && w.open[2] == *w.open;
  const char *begin = w.open;
  while (begin > text_of (f->document) && begin[-1] != '\n')
    begin--;
  adze_error *error = is_long
                          ? say_in (f->document, w.open_line, (const char *[2]){ begin, w.open },
                                    "this text between three quotes each has no closing %c%c%c",
                                    *w.open, *w.open, *w.open)
                          : say_in (f->document, w.open_line, (const char *[2]){ begin, w.open },
                                    "this string has no closing %c in its line", *w.open);
  if (!is_long)
    adze_error_set (error, "hint", "close it; text of several lines stands between three quotes");
  return error;
}

static adze_error *
explain_escape (const fault *f)
{
  const char *sequence = strstr (f->what, "unknown escape sequence '");
  if (!sequence)
    return NULL;
  sequence += strlen ("unknown escape sequence '");
  adze_error *error = say (f, f->at, "%.*s means nothing between these quotes",
                           (int)strcspn (sequence, "'"), sequence);
  adze_error_set (error, "hint",
                  "write a backslash twice, or use single quotes, where it stands for itself");
  return error;
}

/* ---- Values. */

static adze_error *
explain_depth (const fault *f)
{
  const char *most = strstr (f->what, "nested value depth of ");
  if (!most)
    return NULL;
  most += strlen ("nested value depth of ");
  return say (f, f->at, "lists and tables lie here more than %.*s deep inside of one another",
              (int)strspn (most, "0123456789"), most);
}

static bool
in_word (char c)
{
  return isalnum ((unsigned char)c) || ((unsigned char)c & 0x80u) || (c && strchr ("_-./~$@", c));
}

/* The word around the fault that stands where a value should: its first byte, and behind the last. */
static bool
find_word (const fault *f, size_t *start, size_t *end)
{
  *start = *end = f->at;
  while (*start > 0 && in_word (f->line[*start - 1]))
    --*start;
  while (*end < f->size && in_word (f->line[*end]))
    ++*end;
  size_t before = back_over_blanks (f, *start);
  return *end > *start && before > 0 && strchr ("=[,", f->line[before - 1]);
}

static bool
is_one_of (const char *word, const char *const *words)
{
  for (; *words; words++)
    if (strcasecmp (word, *words) == 0)
      return true;
  return false;
}

/* What is called nothing elsewhere, and yes and no. */
static adze_error *
explain_name (const fault *f, size_t start, const char *word)
{
  static const char *const nothing[] = { "none", "null", "nil", "undefined", NULL };
  static const char *const good[] = { "yes", "on", NULL };
  static const char *const bad[] = { "no", "off", NULL };
  size_t before = back_over_blanks (f, start);
  if (strcasecmp (word, "true") == 0 || strcasecmp (word, "false") == 0)
    return say (f, start, "true and false are written in lower case: %s",
                tolower ((unsigned char)*word) == 't' ? "true" : "false");
  if (is_one_of (word, nothing))
    return say (f, start, "TOML has no %s; leave the %s out", word,
                before > 0 && f->line[before - 1] == '=' ? "key" : "entry");
  if (is_one_of (word, good) || is_one_of (word, bad))
    return say (f, start, "%s without quotes is no value; write %s, or \"%s\" if it is text", word,
                is_one_of (word, good) ? "true" : "false", word);
  return NULL;
}

/* Quotes that a program for writing letters put there. */
static adze_error *
explain_quotes (const fault *f, size_t start)
{
  if (start + 3 > f->size || memcmp (f->line + start, "\xe2\x80", 2) != 0
      || !memchr ("\x98\x99\x9a\x9c\x9d\x9e", f->line[start + 2], 6))
    return NULL;
  return say (f, start, "%.3s is no quote in TOML; text stands between two of \"", f->line + start);
}

static adze_error *
explain_word (const fault *f)
{
  size_t start, end;
  /* "[input.": what is in the brackets of a table is no value. */
  if (!find_word (f, &start, &end)
      || (start > 0 && start == skip_blanks (f, 0) + 1 && says (f, "key")))
    return NULL;
  adze_error *error = explain_quotes (f, start);
  ADZE_AUTO_FREE char *word = strndup (f->line + start, end - start);
  if (error || !word)
    return error ? error : adze_error_memory ();
  char second = word[1];
  bool begins = isalpha ((unsigned char)*word) || strchr ("/~$@", *word)
                || ((unsigned char)*word & 0x80u)
                || (*word == '.' && (second == '/' || second == '.' || isalpha (second)));
  if (!begins || strcmp (word, "true") == 0 || strcmp (word, "false") == 0)
    return NULL;
  error = explain_name (f, start, word);
  return error ? error
               : say (f, start, "%s without quotes is no value; text needs quotes: \"%s\"", word,
                      word);
}

/* "2 GiB", "50 %", "0,5", ".5": a number, and what does not belong to one. */
static adze_error *
explain_number (const fault *f)
{
  size_t start = f->at, digits, tail;
  while (start > 0 && !strchr ("=[,{", f->line[start - 1]))
    start--;
  if (start > 0 && f->line[start - 1] == ',' && start == f->at)
    return NULL;
  start = skip_blanks (f, start);
  digits = start + (start < f->size && strchr ("+-", f->line[start]));
  for (tail = digits;
       tail < f->size && (isdigit ((unsigned char)f->line[tail]) || f->line[tail] == '.');)
    tail++;
  int size = (int)(tail - start);
  const char *number = f->line + start;
  if (tail == digits)
    return NULL;
  if (f->line[digits] == '.' && tail > digits + 1)
    return say (f, start, "a number has a digit in front of its point: %.*s0%.*s",
                (int)(digits - start), number, (int)(tail - digits), f->line + digits);
  if (f->line[tail - 1] == '.' && tail - 1 > digits)
    return say (f, start, "a number has a digit behind its point: %.*s0", size, number);
  size_t unit = skip_blanks (f, tail);
  char seen = unit < f->size ? f->line[unit] : '\0';
  if (seen == '%')
    return say (f, unit, "a number stands alone; %.*s %% is written %g", size, number,
                strtod (number, NULL) / 100);
  if (seen == ',' && unit == tail && f->at == tail && says (f, "comment or whitespace")
      && tail + 1 < f->size && isdigit ((unsigned char)f->line[tail + 1]))
    return say (f, start, "a decimal number has a point, not a comma: %.*s.%.*s", size, number,
                (int)strspn (f->line + tail + 1, "0123456789"), f->line + tail + 1);
  if (unit == f->at && isalpha ((unsigned char)seen) && !(*number == '0' && size == 1)) {
    size_t end = unit;
    while (end < f->size && in_word (f->line[end]))
      end++;
    return say (f, start,
                "%.*s without quotes is no value; a number with a unit needs them: \"%.*s\"",
                (int)(end - start), number, (int)(end - start), number);
  }
  return NULL;
}

static adze_error *
explain_missing (const fault *f)
{
  size_t start, end;
  bool ends = says (f, "key-value pair: encountered end-of-file");
  if ((!ends && !says (f, "expected value, saw")) || !find_key_before (f, &start, &end))
    return NULL;
  return say (f, start, "'%.*s' has no value: write one behind the '='", (int)(end - start),
              f->line + start);
}

static adze_error *
explain_brackets (const fault *f)
{
  if (says (f, "inline table") && f->at >= f->size)
    return say (f, f->size, "what begins with { must end with } in the same line");
  if (says (f, "dangling comma"))
    return say (f, f->at, "there is no comma in front of }");
  if (says (f, "inline table: expected comma"))
    return say (f, f->at, "between the entries of { } stand commas, and here is none");
  if (says (f, "array: expected comma"))
    return say (f, f->at,
                "between the entries of a list stand commas, and ']' ends it; here is "
                "neither");
  if (says (f, "array: encountered end-of-file"))
    return say (f, f->at, "the file ends in the middle of a list: ']' is missing");
  return NULL;
}

static adze_error *
explain_rest (const fault *f)
{
  if (!says (f, "expected a comment or whitespace") || f->at >= f->size)
    return NULL;
  return say (f, f->at, "the value ends in front of this, and only a remark (#) can follow it");
}

/* ---- All of them. */

/* Its own beginning says no more than that it is an error, and a line's end is no character to
 * people. */
static adze_error *
in_its_words (const fault *f)
{
  static const char prefix[] = "Error while parsing ", newline[] = ", saw '\\n'";
  bool has_prefix = strncmp (f->what, prefix, sizeof prefix - 1) == 0;
  const char *what = f->what + (has_prefix ? sizeof prefix - 1 : 0);
  size_t size = strlen (what), tail = sizeof newline - 1;
  bool line_ends = size > tail && strcmp (what + size - tail, newline) == 0;
  return say (f, f->at, "%s%.*s%s", has_prefix ? "bad " : "", (int)(line_ends ? size - tail : size),
              what, line_ends ? ", and the line ends" : "");
}

adze_error *
adze_toml_explain (const adze_document *document, uint32_t line, uint32_t column, const char *what)
{
  static adze_error *(*const explanations[]) (const fault *)
      = { explain_depth,  explain_header, explain_key_twice, explain_equals,
          explain_string, explain_escape, explain_missing,   explain_brackets,
          explain_number, explain_word,   explain_rest };
  fault f = { .document = document, .what = what, .number = line, .column = column };
  find_line (&f);
  for (size_t i = 0; i < ADZE_COUNT_OF (explanations); i++) {
    adze_error *error = explanations[i](&f);
    if (error)
      return error;
  }
  return in_its_words (&f);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: reads a table of known results. What it says may come from anybody: every byte is looked at, and what
 * does not fit is refused with its line and column. */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Values that nobody asked for may nest so deep. */
enum { DEPTH = 32 };

typedef struct reader {
  const adze_host *host;
  const char *text;
  size_t size, at;
  const char *const *fields;
  size_t field_count;
  nas_table *table;
} reader;

/* ---- Mistakes. */

static adze_status refuse (const reader *r, size_t at, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static adze_status
refuse (const reader *r, size_t at, const char *format, ...)
{
  char reason[400];
  size_t line = 1, column = 1;
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  for (size_t i = 0; i < at && i < r->size; i++) {
    column++;
    if (r->text[i] == '\n') {
      line++;
      column = 1;
    }
  }
  return adze_fail (r->host, ADZE_E_FORMAT, "the table, line %zu, column %zu: %s", line, column, reason);
}

/* ---- Bytes. */

static int
peek (reader *r)
{
  while (r->at < r->size && memchr (" \t\r\n", r->text[r->at], 4))
    r->at++;
  return r->at < r->size ? (unsigned char)r->text[r->at] : -1;
}

static adze_status
expect (reader *r, char wanted, const char *where)
{
  int found = peek (r);
  if (found == wanted) {
    r->at++;
    return ADZE_OK;
  }
  if (found < 0)
    return refuse (r, r->at, "the text ends %s; needed is '%c'", where, wanted);
  return refuse (r, r->at, "there is '%c' %s; needed is '%c'", found < 0x20 || found > 0x7e ? '?' : found, where,
                 wanted);
}

/* Behind an entry: MORE, or the end of what CLOSE ends. */
static adze_status
follow (reader *r, char close, bool *more)
{
  int found = peek (r);
  *more = found == ',';
  if (*more || found == close) {
    r->at++;
    return ADZE_OK;
  }
  return refuse (r, r->at, found < 0 ? "the text ends in the middle of it; needed is ',' or '%c'"
                                     : "needed is ',' or '%c'", close);
}

/* ---- Text. A name with an escape in it is none that anybody could ask for. */

static adze_status
read_text (reader *r, const char *what, char *into, size_t room)
{
  adze_status status = expect (r, '"', what);
  size_t begin = r->at;
  if (status != ADZE_OK)
    return status;
  for (; r->at < r->size && r->text[r->at] != '"'; r->at++) {
    unsigned char byte = (unsigned char)r->text[r->at];
    if (byte < 0x20)
      return refuse (r, r->at, "a control character (code %u) in a text", byte);
    if (byte == '\\' && into)
      return refuse (r, r->at, "an escape %s; it is to be plain characters", what);
    r->at += byte == '\\' && r->at + 1 < r->size;
  }
  if (r->at >= r->size)
    return refuse (r, begin - 1, "this text does not end");
  size_t size = r->at++ - begin;
  if (into && size >= room)
    return refuse (r, begin, "%zu characters %s; %zu is the most", size, what, room - 1);
  if (into) {
    memcpy (into, r->text + begin, size);
    into[size] = '\0';
  }
  return ADZE_OK;
}

/* ---- Numbers. */

static bool
is_of_number (char c)
{
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static adze_status
read_number (reader *r, const char *field, double *number)
{
  char text[64], *end;
  size_t size = 0, begin;
  peek (r);
  begin = r->at;
  while (r->at < r->size && is_of_number (r->text[r->at]) && size + 1 < sizeof text)
    text[size++] = r->text[r->at++];
  text[size] = '\0';
  *number = strtod (text, &end);
  bool sound = size > 0 && !*end && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  if (!sound || (r->at < r->size && is_of_number (r->text[r->at])))
    return refuse (r, begin, "needed is a number%s%s", field ? " for " : "", field ? field : "");
  if (!isfinite (*number))
    return refuse (r, begin, "%s is beyond what a number can be", text);
  return ADZE_OK;
}

static adze_status
read_word (reader *r)
{
  static const char *const words[] = { "true", "false", "null" };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    size_t size = strlen (words[i]);
    if (r->size - r->at >= size && memcmp (r->text + r->at, words[i], size) == 0) {
      r->at += size;
      return ADZE_OK;
    }
  }
  return refuse (r, r->at, "needed is a value: a number, a text, a list, an object, true, false or null");
}

/* ---- What nobody asked for. */

static adze_status pass_over (reader *r, uint32_t depth);

static adze_status
pass_inside (reader *r, char close, uint32_t depth)
{
  adze_status status = ADZE_OK;
  bool more = true;
  r->at++;
  if (peek (r) == close) {
    r->at++;
    return ADZE_OK;
  }
  while (status == ADZE_OK && more) {
    if (close == '}')
      status = read_text (r, "where a name should be", NULL, 0);
    if (status == ADZE_OK && close == '}')
      status = expect (r, ':', "behind a name");
    if (status == ADZE_OK)
      status = pass_over (r, depth + 1);
    if (status == ADZE_OK)
      status = follow (r, close, &more);
  }
  return status;
}

static adze_status
pass_over (reader *r, uint32_t depth)
{
  int next = peek (r);
  double number;
  if (depth > DEPTH)
    return refuse (r, r->at, "values nest deeper than %d", DEPTH);
  if (next == '{' || next == '[')
    return pass_inside (r, next == '{' ? '}' : ']', depth);
  if (next == '"')
    return read_text (r, "", NULL, 0);
  return next == '-' || (next >= '0' && next <= '9') ? read_number (r, NULL, &number) : read_word (r);
}

/* ---- A row. */

static adze_status
read_field (reader *r, nas_row *row, bool *has)
{
  char name[NAS_NAME] = "";
  size_t at, begin;
  peek (r);
  begin = r->at;
  adze_status status = read_text (r, "in a field's name", name, sizeof name);
  if (status == ADZE_OK)
    status = expect (r, ':', "behind a field's name");
  if (status != ADZE_OK)
    return status;
  for (at = 0; at < r->field_count && strcmp (name, r->fields[at]) != 0; at++)
    continue;
  if (at == r->field_count)
    return pass_over (r, 0);
  if (has[at])
    return refuse (r, begin, "the field '%s' is there twice", name);
  has[at] = true;
  return read_number (r, name, &row->numbers[at]);
}

static adze_status
read_fields (reader *r, const char *key, size_t begin, nas_row *row)
{
  bool has[1 + NAS_COSTS] = { false }, more = true;
  adze_status status = expect (r, '{', "behind a key");
  if (status == ADZE_OK && peek (r) == '}') {
    r->at++;
    more = false;
  }
  while (status == ADZE_OK && more) {
    status = read_field (r, row, has);
    if (status == ADZE_OK)
      status = follow (r, '}', &more);
  }
  for (size_t i = 0; status == ADZE_OK && i < r->field_count; i++)
    if (!has[i])
      status = refuse (r, begin, "the row '%s' has no field '%s'", key, r->fields[i]);
  return status;
}

static adze_status
check_key (reader *r, const char *key, size_t begin)
{
  uint32_t size = (uint32_t)strlen (key);
  if (size == 0)
    return refuse (r, begin, "a key is empty; each of its characters is a choice");
  if (r->table->genes == 0)
    r->table->genes = size;
  if (size == r->table->genes)
    return ADZE_OK;
  return refuse (r, begin, "the key '%s' has %u characters, and those before it have %u; all must have as many", key,
                 size, r->table->genes);
}

static adze_status
add_row (reader *r, const nas_row *row)
{
  nas_table *t = r->table;
  if (t->count == NAS_ROWS)
    return refuse (r, r->at, "there are more than %d rows", NAS_ROWS);
  if (t->count == t->room) {
    size_t room = t->room ? t->room * 2 : 1024;
    nas_row *rows = (nas_row *)realloc (t->rows, room * sizeof *rows);
    if (!rows)
      return adze_fail (r->host, ADZE_E_MEMORY, "no room for a table of %zu rows", room);
    t->rows = rows;
    t->room = room;
  }
  t->rows[t->count++] = *row;
  return ADZE_OK;
}

static adze_status
read_row (reader *r)
{
  char key[NAS_GENES + 1] = "";
  nas_row row = { .key = "" };
  peek (r);
  size_t begin = r->at;
  adze_status status = read_text (r, "in a key", key, sizeof key);
  if (status == ADZE_OK)
    status = check_key (r, key, begin);
  if (status == ADZE_OK)
    status = expect (r, ':', "behind a key");
  if (status == ADZE_OK)
    status = read_fields (r, key, begin, &row);
  memcpy (row.key, key, sizeof row.key);
  return status == ADZE_OK ? add_row (r, &row) : status;
}

/* ---- All of it. */

static int
by_key (const void *left, const void *right)
{
  return memcmp (((const nas_row *)left)->key, ((const nas_row *)right)->key, NAS_GENES);
}

static adze_status
check_twins (const reader *r)
{
  const nas_table *t = r->table;
  for (size_t i = 1; i < t->count; i++)
    if (by_key (&t->rows[i - 1], &t->rows[i]) == 0)
      return adze_fail (r->host, ADZE_E_FORMAT, "the table has the key '%.*s' twice", NAS_GENES, t->rows[i].key);
  return ADZE_OK;
}

/* Which characters there are at each place. */
static void
find_letters (nas_table *t)
{
  for (uint32_t gene = 0; gene < t->genes; gene++) {
    bool there[256] = { false };
    for (size_t i = 0; i < t->count; i++)
      there[(unsigned char)t->rows[i].key[gene]] = true;
    for (int code = 1; code < 256; code++)
      if (there[code])
        t->letters[gene][t->choices[gene]++] = (char)code;
  }
}

static adze_status
read_rows (reader *r)
{
  bool more = true;
  adze_status status = expect (r, '{', "where the table should begin");
  if (status == ADZE_OK && peek (r) == '}')
    return refuse (r, r->at, "there is no row");
  while (status == ADZE_OK && more) {
    status = read_row (r);
    if (status == ADZE_OK)
      status = follow (r, '}', &more);
  }
  if (status == ADZE_OK && peek (r) >= 0)
    return refuse (r, r->at, "there is more behind the end");
  return status;
}

adze_status
nas_table_read (const adze_host *host, const char *text, size_t size, const char *const *fields,
                size_t field_count, nas_table *table)
{
  reader r = { .host = host, .text = text, .size = size, .fields = fields, .field_count = field_count,
               .table = table };
  adze_status status = read_rows (&r);
  if (status != ADZE_OK)
    return status;
  qsort (table->rows, table->count, sizeof *table->rows, by_key);
  find_letters (table);
  return check_twins (&r);
}

void
nas_table_close (nas_table *table)
{
  free (table->rows);
  memset (table, 0, sizeof *table);
}

/* ---- Looked up. */

void
nas_table_key (const nas_table *table, const uint8_t genes[NAS_GENES], char key[NAS_GENES + 1])
{
  memset (key, 0, NAS_GENES + 1);
  for (uint32_t i = 0; i < table->genes; i++)
    key[i] = table->letters[i][genes[i]];
}

void
nas_table_genes (const nas_table *table, uint32_t number, uint8_t genes[NAS_GENES])
{
  memset (genes, 0, NAS_GENES);
  for (uint32_t i = 0; i < table->genes; i++)
    while (table->letters[i][genes[i]] != table->rows[number].key[i])
      genes[i]++;
}

bool
nas_table_is_sparse (const nas_table *table)
{
  enum { ONE_IN = 16 };
  double genomes = 1;
  for (uint32_t i = 0; i < table->genes; i++)
    genomes *= table->choices[i];
  return genomes > (double)table->count * ONE_IN;
}

const nas_row *
nas_table_find (const nas_table *table, const uint8_t genes[NAS_GENES])
{
  char key[NAS_GENES + 1];
  nas_row wanted;
  nas_table_key (table, genes, key);
  memcpy (wanted.key, key, sizeof wanted.key);
  return (const nas_row *)bsearch (&wanted, table->rows, table->count, sizeof wanted, by_key);
}

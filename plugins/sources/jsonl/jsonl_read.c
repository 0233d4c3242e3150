/* SPDX-License-Identifier: Apache-2.0 */
/* jsonl: one line, which is one object, into the values of the fields that were asked for. The rest
 * of the line is checked as well, and forgotten. */
#include "jsonl.h"

#include <inttypes.h>

/* How much of a name a message shows. */
#define SHOWN 40

/* ---- What nobody asked for. */

/* A way through a value; DEPTH arrays and objects are open, and STACK has what ends each. */
typedef struct passage {
  jsonl_line *line;
  char stack[JSONL_DEPTH_MAX];
  size_t depth;
} passage;

static adze_status
pass_key (jsonl_line *line)
{
  adze_status status = jsonl_read_string (line, NULL);
  if (status != ADZE_OK)
    return status;
  if (jsonl_peek (line) != ':')
    return jsonl_expected (line, "a colon");
  line->at++;
  return ADZE_OK;
}

static adze_status
pass_scalar (jsonl_line *line)
{
  jsonl_number number;
  bool whole;
  switch (jsonl_peek (line)) {
  case '"':
    return jsonl_read_string (line, NULL);
  case 't':
    return jsonl_read_word (line, "true");
  case 'f':
    return jsonl_read_word (line, "false");
  case 'n':
    return jsonl_read_word (line, "null");
  case '-': case '0': case '1': case '2': case '3': case '4':
  case '5': case '6': case '7': case '8': case '9':
    return jsonl_read_number (line, &number, &whole);
  default:
    return jsonl_expected (line, "a value");
  }
}

/* Opens an array or object, or passes over what is neither. *INSIDE: one was opened, and has a
 * value in it. */
static adze_status
pass_value (passage *p, bool *inside)
{
  char first = jsonl_peek (p->line);
  *inside = false;
  if (first != '[' && first != '{')
    return pass_scalar (p->line);
  if (p->depth == JSONL_DEPTH_MAX)
    return jsonl_fail (p->line, "more than %d arrays and objects inside of each other",
                       JSONL_DEPTH_MAX);
  p->line->at++;
  char last = first == '[' ? ']' : '}';
  p->stack[p->depth++] = last;
  *inside = jsonl_peek (p->line) != last;
  return *inside && first == '{' ? pass_key (p->line) : ADZE_OK;
}

/* Behind a value: closes what ends here. *MORE: another value follows. */
static adze_status
pass_ends (passage *p, bool *more)
{
  *more = false;
  while (p->depth > 0) {
    char last = p->stack[p->depth - 1], found = jsonl_peek (p->line);
    if (found == last) {
      p->line->at++;
      p->depth--;
      continue;
    }
    if (found != ',')
      return jsonl_expected (p->line, last == ']' ? "a comma or ']'" : "a comma or '}'");
    p->line->at++;
    *more = true;
    return last == '}' ? pass_key (p->line) : ADZE_OK;
  }
  return ADZE_OK;
}

static adze_status
pass_over (jsonl_line *line)
{
  passage p = { .line = line, .depth = 0 };
  adze_status status = ADZE_OK;
  for (bool more = true; status == ADZE_OK && more;) {
    status = pass_value (&p, &more);
    if (status == ADZE_OK && !more)
      status = pass_ends (&p, &more);
  }
  return status;
}

/* ---- Values of fields. */

/* A whole number beyond 64 bits, which float64 would make another one of: mostly an identity, of
 * which every digit counts. Whoever writes a fraction or an exponent has not meant one. */
static adze_status
check_digits (jsonl_line *line, size_t first, double real)
{
  char nearest[320];
  size_t size = line->at - first;
  const char *text = line->text + first;
  int length = snprintf (nearest, sizeof nearest, "%.0f", real);
  if (strspn (text, "-0123456789") < size
      || ((size_t)length == size && memcmp (nearest, text, size) == 0))
    return ADZE_OK;
  line->at = first;
  return jsonl_fail (line,
                     "the whole number %.*s is too large for 64 bits, and float64 would make %s of "
                     "it; write it as a text in quotes, or with a fraction (.0) to have it rounded",
                     size > SHOWN ? SHOWN : (int)size, text, size > SHOWN ? "another" : nearest);
}

static adze_status
add_number (jsonl_line *line, jsonl_field *field)
{
  jsonl_number number;
  bool whole;
  size_t first = line->at;
  adze_status status = jsonl_read_number (line, &number, &whole);
  if (status == ADZE_OK && !whole)
    status = check_digits (line, first, number.real);
  field->found.whole = field->found.whole && whole;
  return status == ADZE_OK
             ? adze_bytes_add (line->host, &field->numbers, &number, sizeof number)
             : status;
}

static adze_status
uneven (const jsonl_line *line, const jsonl_field *field)
{
  return jsonl_fail (line, "the arrays in '%.*s' are not of one length; needed is a table of numbers",
                     SHOWN, field->name);
}

/* An array's entries, '[' having been read. The first array of a level says how long all are. */
static adze_status
read_array (jsonl_line *line, jsonl_field *field, int32_t level)
{
  int64_t count = 0;
  adze_status status = ADZE_OK;
  if (level == JSONL_RANK_MAX)
    return jsonl_fail (line, "more than %d arrays inside of each other in '%.*s'", JSONL_RANK_MAX,
                       SHOWN, field->name);
  for (bool more = jsonl_peek (line) != ']'; more; count++) {
    char first = jsonl_peek (line);
    bool inner = first == '[';
    if (!inner && first != '-' && (first < '0' || first > '9'))
      return jsonl_expected (line, "a number (of arrays, only those of numbers can be a column)");
    if (field->found.rank < 0 && !inner)
      field->found.rank = level + 1;
    if (field->found.rank >= 0 && inner != (level + 1 < field->found.rank))
      return uneven (line, field);
    if (inner)
      line->at++;
    status = inner ? read_array (line, field, level + 1) : add_number (line, field);
    if (status != ADZE_OK)
      return status;
    more = jsonl_peek (line) == ',';
    line->at += more;
  }
  if (jsonl_peek (line) != ']')
    return jsonl_expected (line, "a comma or ']'");
  line->at++;
  if (count == 0)
    return jsonl_fail (line, "an empty array in '%.*s'", SHOWN, field->name);
  if (field->found.shape[level] >= 0 && field->found.shape[level] != count)
    return uneven (line, field);
  field->found.shape[level] = count;
  return ADZE_OK;
}

static adze_status
read_bool (jsonl_line *line, jsonl_field *field, bool value)
{
  jsonl_number number = { value, value };
  field->found.type = JSONL_BOOL;
  adze_status status = jsonl_read_word (line, value ? "true" : "false");
  return status == ADZE_OK
             ? adze_bytes_add (line->host, &field->numbers, &number, sizeof number)
             : status;
}

static adze_status
read_value (jsonl_line *line, jsonl_field *field)
{
  field->found = (jsonl_form){ .type = JSONL_NUMBER, .whole = true };
  field->numbers.size = 0;
  switch (jsonl_peek (line)) {
  case '"':
    field->found.type = JSONL_TEXT;
    return jsonl_read_string (line, &field->text);
  case 't':
    return read_bool (line, field, true);
  case 'f':
    return read_bool (line, field, false);
  case 'n':
    field->found.type = JSONL_NOTHING;
    return jsonl_read_word (line, "null");
  case '[':
    field->found.rank = -1;
    for (size_t i = 0; i < JSONL_RANK_MAX; i++)
      field->found.shape[i] = -1;
    line->at++;
    return read_array (line, field, 0);
  case '{':
    return jsonl_fail (line,
                       "'%.*s' is an object, which can be no column; say in 'fields' which ones "
                       "are wanted",
                       SHOWN, field->name);
  default:
    return jsonl_peek (line) == '-' || (jsonl_peek (line) >= '0' && jsonl_peek (line) <= '9')
               ? add_number (line, field)
               : jsonl_expected (line, "a value");
  }
}

/* ---- Fields. */

static bool
is_named (const jsonl_field *field, const adze_bytes *key)
{
  return field->name_size == key->size && memcmp (field->name, key->data, key->size) == 0;
}

static adze_status
add_field (const jsonl_line *line, jsonl_fields *fields, const adze_bytes *key)
{
  const adze_host *host = line->host;
  if (key->size == 0 || memchr (key->data, '\0', key->size))
    return jsonl_fail (line, "a key that is empty or has a NUL inside can name no column");
  if (fields->count == JSONL_FIELDS_MAX)
    return jsonl_fail (line, "more than %d fields", JSONL_FIELDS_MAX);
  if (fields->count == fields->capacity) {
    size_t capacity = fields->capacity ? 2 * fields->capacity : 8;
    jsonl_field *grown = (jsonl_field *)host->allocate (host, capacity * sizeof *grown);
    if (!grown)
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu fields", capacity);
    if (fields->count > 0)
      memcpy (grown, fields->fields, fields->count * sizeof *grown);
    host->release (host, fields->fields);
    fields->fields = grown;
    fields->capacity = capacity;
  }
  char *name = (char *)host->allocate (host, key->size + 1);
  if (!name)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the name of a field");
  memcpy (name, key->data, key->size);
  fields->fields[fields->count++] = (jsonl_field){ .name = name, .name_size = key->size };
  return ADZE_OK;
}

/* The field of this key; *FIELD is NULL when nobody asked for it. EXPECTED: the one that comes next
 * where lines have their keys in one order. */
static adze_status
find_field (const jsonl_line *line, jsonl_fields *fields, const adze_bytes *key, size_t expected,
            jsonl_field **field)
{
  *field = NULL;
  for (size_t i = 0; i < fields->count && !*field; i++) {
    jsonl_field *candidate = &fields->fields[(expected + i) % fields->count];
    if (is_named (candidate, key))
      *field = candidate;
  }
  if (*field && (*field)->given)
    return jsonl_fail (line, "the key '%.*s' for the second time", SHOWN, (*field)->name);
  if (*field || !fields->discover)
    return ADZE_OK;
  adze_status status = add_field (line, fields, key);
  if (status == ADZE_OK)
    *field = &fields->fields[fields->count - 1];
  return status;
}

static adze_status
read_member (jsonl_line *line, jsonl_fields *fields, adze_bytes *scratch, size_t *expected)
{
  jsonl_field *field;
  adze_status status = jsonl_read_string (line, scratch);
  if (status == ADZE_OK)
    status = find_field (line, fields, scratch, *expected, &field);
  if (status != ADZE_OK)
    return status;
  if (jsonl_peek (line) != ':')
    return jsonl_expected (line, "a colon");
  line->at++;
  if (!field)
    return pass_over (line);
  field->given = true;
  *expected = (size_t)(field - fields->fields) + 1;
  return read_value (line, field);
}

adze_status
jsonl_read_line (jsonl_line *line, jsonl_fields *fields, adze_bytes *scratch)
{
  size_t expected = 0;
  for (size_t i = 0; i < fields->count; i++)
    fields->fields[i].given = false;
  if (jsonl_peek (line) != '{')
    return jsonl_expected (line, "'{': each line is an object");
  line->at++;
  for (bool more = jsonl_peek (line) != '}'; more;) {
    jsonl_skip_blanks (line);
    adze_status status = read_member (line, fields, scratch, &expected);
    if (status != ADZE_OK)
      return status;
    more = jsonl_peek (line) == ',';
    line->at += more;
  }
  if (jsonl_peek (line) != '}')
    return jsonl_expected (line, "a comma or '}'");
  line->at++;
  jsonl_skip_blanks (line);
  return line->at == line->size ? ADZE_OK : jsonl_expected (line, "the end of the line");
}

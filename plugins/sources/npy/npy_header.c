/* SPDX-License-Identifier: Apache-2.0 */
/* npy: the text in front of an array, a dictionary as Python writes it. Of Python only as much is
 * understood as numpy's own reader accepts here: exactly three keys, and nothing is computed. */
#include "npy.h"

#include <inttypes.h>

typedef struct reader {
  const adze_host *host;
  const char *name;
  const char *text;
  size_t size, at;
} reader;

#if defined __GNUC__
__attribute__ ((format (printf, 2, 3)))
#endif
static adze_status
bad (const reader *r, const char *format, ...)
{
  char message[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  return adze_fail (r->host, ADZE_E_FORMAT, "%s: byte %zu of the array's description: %s", r->name,
                    r->at, message);
}

/* The next byte that is no blank; 0 at the end. */
static char
peek (reader *r)
{
  while (r->at < r->size && (r->text[r->at] == ' ' || r->text[r->at] == '\n'))
    r->at++;
  return r->at < r->size ? r->text[r->at] : '\0';
}

static bool
take (reader *r, char wanted)
{
  if (peek (r) != wanted)
    return false;
  r->at++;
  return true;
}

/* A text in quotes of either kind, without escapes. */
static adze_status
read_string (reader *r, const char **string, size_t *size)
{
  char quote = peek (r);
  if (quote != '\'' && quote != '"')
    return bad (r, "needed is a text in quotes");
  r->at++;
  *string = r->text + r->at;
  const char *end = r->at < r->size ? (const char *)memchr (*string, quote, r->size - r->at) : NULL;
  if (!end || memchr (*string, '\\', (size_t)(end - *string)))
    return bad (r, "needed is a text in quotes, without backslashes");
  *size = (size_t)(end - *string);
  r->at += *size + 1;
  return ADZE_OK;
}

/* ---- The three values. */

static adze_status
unsupported (const reader *r, const char *what)
{
  return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                    "%s has elements of the type %s; numbers, complex numbers and bools can be read: "
                    "b1, i1 to i8, u1 to u8, f2, f4, f8, c8, c16",
                    r->name, what);
}

static bool
dtype_of (char kind, unsigned bytes, adze_dtype *dtype)
{
  static const struct {
    char kind;
    uint8_t code;
    uint8_t bytes[4];
  } types[] = { { 'b', ADZE_BOOL, { 1 } },
                { 'i', ADZE_INT, { 1, 2, 4, 8 } },
                { 'u', ADZE_UINT, { 1, 2, 4, 8 } },
                { 'f', ADZE_FLOAT, { 2, 4, 8 } },
                { 'c', ADZE_COMPLEX, { 8, 16 } } };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    for (size_t k = 0; k < 4; k++)
      if (types[i].kind == kind && bytes > 0 && types[i].bytes[k] == bytes) {
        *dtype = (adze_dtype){ types[i].code, (uint8_t)(bytes * 8), 1 };
        return true;
      }
  return false;
}

static adze_status
read_descr (reader *r, npy_form *form)
{
  const char *text;
  size_t size;
  char shown[32];
  if (peek (r) == '[')
    return unsupported (r, "record");
  adze_status status = read_string (r, &text, &size);
  if (status != ADZE_OK)
    return status;
  snprintf (shown, sizeof shown, "'%.*s'", (int)(size < 20 ? size : 20), text);
  if (size < 3 || size > 4 || !strchr ("<>|", text[0]) || !text[0])
    return unsupported (r, shown);
  unsigned bytes = 0;
  for (size_t i = 2; i < size; i++) {
    if (text[i] < '0' || text[i] > '9')
      return unsupported (r, shown);
    bytes = bytes * 10 + (unsigned)(text[i] - '0');
  }
  if (!dtype_of (text[1], bytes, &form->dtype) || (text[0] == '|' && bytes > 1))
    return unsupported (r, shown);
  form->big_endian = text[0] == '>';
  return ADZE_OK;
}

static adze_status
read_order (reader *r, npy_form *form)
{
  static const char *const words[] = { "False", "True" };
  peek (r);
  for (size_t i = 0; i < 2; i++) {
    size_t size = strlen (words[i]);
    if (r->size - r->at >= size && memcmp (r->text + r->at, words[i], size) == 0) {
      form->fortran = i == 1;
      r->at += size;
      return ADZE_OK;
    }
  }
  return bad (r, "needed is True or False");
}

static adze_status
read_dimension (reader *r, int64_t *dimension)
{
  *dimension = 0;
  if (peek (r) < '0' || peek (r) > '9')
    return bad (r, "needed is a dimension, a whole number that is not negative");
  while (r->at < r->size && r->text[r->at] >= '0' && r->text[r->at] <= '9')
    if (__builtin_mul_overflow (*dimension, 10, dimension)
        || __builtin_add_overflow (*dimension, r->text[r->at++] - '0', dimension))
      return bad (r, "a dimension that 64 bits do not hold");
  return ADZE_OK;
}

/* (), (3,), (3, 4), (3, 4,): a comma is needed only behind a single one. */
static adze_status
read_shape (reader *r, npy_form *form)
{
  if (!take (r, '('))
    return bad (r, "needed is '('");
  bool comma = true;
  while (peek (r) != ')') {
    if (!comma)
      return bad (r, "needed is a comma or ')'");
    if (form->rank == ADZE_RANK_MAX)
      return bad (r, "more than %d dimensions", ADZE_RANK_MAX);
    adze_status status = read_dimension (r, &form->shape[form->rank]);
    if (status != ADZE_OK)
      return status;
    form->rank++;
    comma = take (r, ',');
  }
  if (form->rank == 1 && !comma)
    return bad (r, "a number in parentheses, and needed is a tuple: (3,)");
  r->at++;
  return ADZE_OK;
}

/* ---- The dictionary. */

static const struct {
  const char *name;
  adze_status (*read) (reader *r, npy_form *form);
} keys[] = { { "descr", read_descr }, { "fortran_order", read_order }, { "shape", read_shape } };

#define KEYS (sizeof keys / sizeof keys[0])

static adze_status
read_entry (reader *r, npy_form *form, bool *seen)
{
  const char *key;
  size_t size;
  adze_status status = read_string (r, &key, &size);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < KEYS; i++) {
    if (size != strlen (keys[i].name) || memcmp (key, keys[i].name, size) != 0)
      continue;
    if (seen[i])
      return bad (r, "the key '%s' for the second time", keys[i].name);
    if (!take (r, ':'))
      return bad (r, "needed is a colon");
    seen[i] = true;
    return keys[i].read (r, form);
  }
  return bad (r, "the unknown key '%.*s'; there are: descr, fortran_order, shape",
              (int)(size < 40 ? size : 40), key);
}

adze_status
npy_header_read (const adze_host *host, const char *name, const char *text, size_t size,
                 npy_form *form)
{
  reader r = { host, name, text, size, 0 };
  bool seen[KEYS] = { false };
  bool comma = true;
  *form = (npy_form){ 0 };
  if (!take (&r, '{'))
    return bad (&r, "needed is '{'");
  while (peek (&r) != '}') {
    if (!comma)
      return bad (&r, "needed is a comma or '}'");
    adze_status status = read_entry (&r, form, seen);
    if (status != ADZE_OK)
      return status;
    comma = take (&r, ',');
  }
  r.at++;
  if (peek (&r) != '\0' || r.at < r.size)
    return bad (&r, "something behind the description");
  for (size_t i = 0; i < KEYS; i++)
    if (!seen[i])
      return bad (&r, "the key '%s' is missing", keys[i].name);
  return ADZE_OK;
}

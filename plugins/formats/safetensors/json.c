/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: JSON, one token at a time. Who asks says which token may come, so that nesting is as deep
 * as the callers' code and no deeper, and nothing is kept of what was read. */
#include "safetensors.h"

adze_status
safetensors_malformed (const safetensors_json *json, size_t at, const char *format, ...)
{
  char text[640];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  return adze_fail (json->host, ADZE_E_FORMAT, "%s: at byte %" PRIu64 ", in the %s: %s", json->file,
                    json->origin + at, json->where, text);
}

adze_status
safetensors_count_entry (safetensors_json *json)
{
  if (++json->entries <= json->most)
    return ADZE_OK;
  return adze_fail (json->host, ADZE_E_LIMIT,
                    "%s: the %s has more than %" PRIu64
                    " tensors, texts and lists, which is the most "
                    "that is read; a higher structure-limit lets it pass",
                    json->file, json->where, json->most);
}

adze_status
safetensors_count_item (safetensors_json *json, uint64_t work)
{
  json->items += work;
  if (json->items <= json->most_items)
    return ADZE_OK;
  return adze_fail (json->host, ADZE_E_LIMIT,
                    "%s: the lists in the %s have more numbers and texts than the %" PRIu64
                    " that are read (long fractions count for several); a higher structure-limit "
                    "lets it pass",
                    json->file, json->where, json->most_items);
}

int
safetensors_peek (safetensors_json *json)
{
  for (; json->at < json->size; json->at++) {
    char c = json->text[json->at];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
      return (unsigned char)c;
  }
  return -1;
}

/* "'x'", "the byte 0x00", "the end" */
static const char *
found (int c, char text[24])
{
  if (c < 0)
    return "the end";
  snprintf (text, 24, c > 0x20 && c < 0x7f ? "'%c'" : "the byte 0x%02x", c);
  return text;
}

adze_status
safetensors_expect (safetensors_json *json, char wanted, const char *what)
{
  char text[24];
  int c = safetensors_peek (json);
  if (c != wanted)
    return safetensors_malformed (json, json->at, "needed is '%c' %s, found is %s", wanted, what,
                                  found (c, text));
  json->at++;
  return ADZE_OK;
}

adze_status
safetensors_more (safetensors_json *json, char close, bool *first, bool *more)
{
  char text[24];
  int c = safetensors_peek (json);
  *more = c != close;
  if (!*more) {
    json->at++;
    return ADZE_OK;
  }
  if (!*first) {
    if (c != ',')
      return safetensors_malformed (json, json->at, "needed is ',' or '%c', found is %s", close,
                                    found (c, text));
    json->at++;
  }
  *first = false;
  return ADZE_OK;
}

/* ---- Strings. */

static bool
hex_digits (const safetensors_json *json, size_t at, uint32_t *code)
{
  *code = 0;
  if (json->size - at < 4)
    return false;
  for (size_t i = at; i < at + 4; i++) {
    char c = json->text[i];
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                            : 16;
    if (digit == 16)
      return false;
    *code = *code << 4 | digit;
  }
  return true;
}

static size_t
encode (uint32_t code, char *into)
{
  if (code < 0x80) {
    into[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    into[0] = (char)(0xc0 | code >> 6);
    into[1] = (char)(0x80 | (code & 0x3f));
    return 2;
  }
  if (code < 0x10000) {
    into[0] = (char)(0xe0 | code >> 12);
    into[1] = (char)(0x80 | (code >> 6 & 0x3f));
    into[2] = (char)(0x80 | (code & 0x3f));
    return 3;
  }
  into[0] = (char)(0xf0 | code >> 18);
  into[1] = (char)(0x80 | (code >> 12 & 0x3f));
  into[2] = (char)(0x80 | (code >> 6 & 0x3f));
  into[3] = (char)(0x80 | (code & 0x3f));
  return 4;
}

/* \uXXXX, or two of them for a character beyond U+FFFF. The reader stands behind the 'u'. */
static adze_status
unicode (safetensors_json *json, uint32_t *code)
{
  uint32_t low = 0;
  size_t start = json->at - 2;
  if (!hex_digits (json, json->at, code))
    return safetensors_malformed (json, start, "\\u needs four hexadecimal digits");
  json->at += 4;
  if (*code >= 0xdc00 && *code < 0xe000)
    return safetensors_malformed (json, start,
                                  "\\u%04x is the second half of a character without "
                                  "the first",
                                  *code);
  if (*code < 0xd800 || *code >= 0xdc00)
    return ADZE_OK;
  if (json->size - json->at < 6 || json->text[json->at] != '\\' || json->text[json->at + 1] != 'u'
      || !hex_digits (json, json->at + 2, &low) || low < 0xdc00 || low >= 0xe000)
    return safetensors_malformed (json, start,
                                  "\\u%04x is the first half of a character without "
                                  "the second",
                                  *code);
  json->at += 6;
  *code = 0x10000 + ((*code - 0xd800) << 10 | (low - 0xdc00));
  return ADZE_OK;
}

/* What stands behind a backslash becomes SIZE bytes at INTO, never more than it took. */
static adze_status
escape (safetensors_json *json, char *into, size_t *size)
{
  static const char names[] = "\"\\/bfnrt";
  static const char means[] = "\"\\/\b\f\n\r\t";
  json->at++;
  char c = json->at < json->size ? json->text[json->at++] : '\0';
  const char *name = c ? strchr (names, c) : NULL;
  if (name) {
    into[0] = means[name - names];
    *size = 1;
    return ADZE_OK;
  }
  uint32_t code = 0;
  if (c != 'u')
    return safetensors_malformed (json, json->at - 1,
                                  "a backslash must be followed by one of "
                                  "\" \\ / b f n r t u");
  adze_status status = unicode (json, &code);
  if (status == ADZE_OK)
    *size = encode (code, into);
  return status;
}

/* Passes over the bytes that stand for themselves; moves them to INTO, and says how many. */
static size_t
take_plain (safetensors_json *json, char *into)
{
  const char *from = json->text + json->at, *end = json->text + json->size, *at = from;
  while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
    at++;
  size_t size = (size_t)(at - from);
  if (into != from)
    memmove (into, from, size);
  json->at += size;
  return size;
}

adze_status
safetensors_string (safetensors_json *json, const char *what, adze_text *text)
{
  char word[24];
  int c = safetensors_peek (json);
  if (c != '"')
    return safetensors_malformed (json, json->at, "needed is %s in quotes, found is %s", what,
                                  found (c, word));
  size_t start = ++json->at;
  char *into = json->text + start;
  for (;;) {
    into += take_plain (json, into);
    if (json->at >= json->size)
      return safetensors_malformed (json, start - 1, "%s has no closing quote", what);
    char next = json->text[json->at];
    if (next == '"')
      break;
    if (next != '\\')
      return safetensors_malformed (json, json->at, "the byte 0x%02x must be escaped in a string",
                                    (unsigned)(unsigned char)next);
    size_t size = 0;
    adze_status status = escape (json, into, &size);
    if (status != ADZE_OK)
      return status;
    into += size;
  }
  json->at++;
  *into = '\0';
  *text = (adze_text){ json->text + start, (uint64_t)(into - (json->text + start)) };
  if (!safetensors_is_utf8 (text->data, (size_t)text->size))
    return safetensors_malformed (json, start, "%s is not UTF-8", what);
  return ADZE_OK;
}

adze_status
safetensors_name (safetensors_json *json, const char *what, adze_text *text)
{
  adze_status status = safetensors_string (json, what, text);
  return status == ADZE_OK ? safetensors_expect (json, ':', "behind a name") : status;
}

/* ---- Numbers and words. */

static bool
is_digit (const safetensors_json *json)
{
  return json->at < json->size && json->text[json->at] >= '0' && json->text[json->at] <= '9';
}

static void
digits (safetensors_json *json)
{
  while (is_digit (json))
    json->at++;
}

static bool
skip (safetensors_json *json, const char *any)
{
  if (json->at >= json->size || !json->text[json->at] || !strchr (any, json->text[json->at]))
    return false;
  json->at++;
  return true;
}

adze_status
safetensors_number (safetensors_json *json, const char *what, adze_text *number)
{
  char text[24];
  int c = safetensors_peek (json);
  size_t start = json->at;
  skip (json, "-");
  bool good = is_digit (json);
  if (!skip (json, "0"))
    digits (json);
  if (good && skip (json, ".")) {
    good = is_digit (json);
    digits (json);
  }
  if (good && skip (json, "eE")) {
    skip (json, "+-");
    good = is_digit (json);
    digits (json);
  }
  if (!good || is_digit (json))
    return safetensors_malformed (json, start, "needed is %s, a number, found is %s", what,
                                  good ? "one that begins with 0" : found (c, text));
  *number = (adze_text){ json->text + start, json->at - start };
  return ADZE_OK;
}

/* Nearly all numbers are a few digits. False: it is another one, or none; nothing was consumed. */
static bool
few_digits (safetensors_json *json, uint64_t *number)
{
  enum { MOST = 19 };
  safetensors_peek (json);
  const char *text = json->text + json->at;
  size_t left = json->size - json->at, size = 0;
  *number = 0;
  for (; size < left && size <= MOST && text[size] >= '0' && text[size] <= '9'; size++)
    *number = *number * 10 + (unsigned)(text[size] - '0');
  if (size == 0 || size > MOST || (text[0] == '0' && size > 1))
    return false;
  if (size < left && (text[size] == '.' || text[size] == 'e' || text[size] == 'E'))
    return false;
  json->at += size;
  return true;
}

adze_status
safetensors_whole (safetensors_json *json, const char *what, uint64_t *number)
{
  adze_text text;
  if (few_digits (json, number))
    return ADZE_OK;
  adze_status status = safetensors_number (json, what, &text);
  if (status != ADZE_OK)
    return status;
  size_t start = json->at - (size_t)text.size;
  *number = 0;
  for (size_t i = 0; i < text.size; i++) {
    unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
    if (digit > 9)
      return safetensors_malformed (json, start, "%s must be a whole number that is not negative",
                                    what);
    if (*number > (UINT64_MAX - digit) / 10)
      return safetensors_malformed (json, start, "%s is a number beyond 2^64 - 1", what);
    *number = *number * 10 + digit;
  }
  return ADZE_OK;
}

adze_status
safetensors_literal (safetensors_json *json, const char *what, const char **word)
{
  static const char *const words[] = { "true", "false", "null" };
  char text[24];
  int c = safetensors_peek (json);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    size_t length = strlen (words[i]);
    if (json->size - json->at >= length && memcmp (json->text + json->at, words[i], length) == 0) {
      json->at += length;
      *word = words[i];
      return ADZE_OK;
    }
  }
  return safetensors_malformed (json, json->at, "needed is %s, found is %s", what, found (c, text));
}

adze_status
safetensors_end (safetensors_json *json)
{
  char text[24];
  int c = safetensors_peek (json);
  if (c < 0)
    return ADZE_OK;
  return safetensors_malformed (json, json->at, "%s follows where the object has ended",
                                found (c, text));
}

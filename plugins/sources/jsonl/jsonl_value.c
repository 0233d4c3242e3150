/* SPDX-License-Identifier: Apache-2.0 */
/* jsonl: strings and numbers of JSON (RFC 8259), strictly. */
#define _GNU_SOURCE /* strtod_l */
#include "jsonl.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* ---- Complaints. */

adze_status
jsonl_fail (const jsonl_line *line, const char *format, ...)
{
  char message[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  return adze_fail (line->host, ADZE_E_FORMAT, "%s:%" PRIu64 ":%zu: %s", line->path,
                    line->number, line->at + 1, message);
}

adze_status
jsonl_expected (const jsonl_line *line, const char *needed)
{
  unsigned char found = (unsigned char)line->text[line->at];
  if (line->at == line->size)
    return jsonl_fail (line, "the line ends where %s is needed", needed);
  if (found < 0x20 || found >= 0x7f)
    return jsonl_fail (line, "the byte 0x%02x, where %s is needed", found, needed);
  return jsonl_fail (line, "'%c', where %s is needed", found, needed);
}

/* ---- Between values. */

void
jsonl_skip_blanks (jsonl_line *line)
{
  while (line->at < line->size && strchr (" \t\r\n", line->text[line->at])
         && line->text[line->at] != '\0')
    line->at++;
}

char
jsonl_peek (jsonl_line *line)
{
  jsonl_skip_blanks (line);
  return line->text[line->at];
}

adze_status
jsonl_read_word (jsonl_line *line, const char *word)
{
  size_t size = strlen (word);
  if (line->size - line->at < size || memcmp (line->text + line->at, word, size) != 0)
    return jsonl_expected (line, "a value");
  line->at += size;
  return ADZE_OK;
}

/* ---- Strings. */

/* Four hexadecimal digits. */
static bool
read_unit (jsonl_line *line, uint32_t *unit)
{
  *unit = 0;
  for (int i = 0; i < 4; i++, line->at++) {
    char digit = line->text[line->at]; /* a NUL at the end, which is no digit */
    uint32_t value;
    if (digit >= '0' && digit <= '9')
      value = (uint32_t)(digit - '0');
    else if (digit >= 'a' && digit <= 'f')
      value = (uint32_t)(digit - 'a') + 10;
    else if (digit >= 'A' && digit <= 'F')
      value = (uint32_t)(digit - 'A') + 10;
    else
      return false;
    *unit = *unit << 4 | value;
  }
  return true;
}

static size_t
encode (uint32_t code, char bytes[4])
{
  if (code < 0x80) {
    bytes[0] = (char)code;
    return 1;
  }
  size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = size; i-- > 1; code >>= 6)
    bytes[i] = (char)(0x80 | (code & 0x3f));
  static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
  bytes[0] = (char)(leads[size] | code);
  return size;
}

/* What stands behind "\u", of which two may make one character. */
static adze_status
read_code (jsonl_line *line, char bytes[4], size_t *size)
{
  uint32_t code, low;
  if (!read_unit (line, &code))
    return jsonl_expected (line, "one of four hexadecimal digits");
  if (code >= 0xd800 && code < 0xe000) {
    if (code >= 0xdc00 || line->size - line->at < 6 || line->text[line->at] != '\\'
        || line->text[line->at + 1] != 'u')
      return jsonl_fail (line, "half of a surrogate pair");
    line->at += 2;
    if (!read_unit (line, &low))
      return jsonl_expected (line, "one of four hexadecimal digits");
    if (low < 0xdc00 || low >= 0xe000)
      return jsonl_fail (line, "half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  *size = encode (code, bytes);
  return ADZE_OK;
}

static adze_status
read_escape (jsonl_line *line, adze_bytes *into)
{
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char bytes[4], name = line->text[line->at];
  size_t size = 1;
  const char *found = name ? strchr (names, name) : NULL;
  if (found) {
    bytes[0] = meanings[found - names];
    line->at++;
  } else if (name == 'u') {
    line->at++;
    adze_status status = read_code (line, bytes, &size);
    if (status != ADZE_OK)
      return status;
  } else
    return jsonl_expected (line, "one of \" \\ / b f n r t u behind a backslash");
  return into ? adze_bytes_add (line->host, into, bytes, size) : ADZE_OK;
}

/* Bytes as they are, up to a quote, a backslash or what may not stand in a string. */
static adze_status
read_plain (jsonl_line *line, adze_bytes *into)
{
  adze_utf8 utf8 = { 0, 0, 0 };
  size_t first = line->at;
  for (; line->at < line->size; line->at++) {
    unsigned char byte = (unsigned char)line->text[line->at];
    if (byte == '"' || byte == '\\')
      break;
    if (byte < 0x20)
      return jsonl_expected (line, "an escape such as \\n for what is no printable character");
    if (!adze_utf8_step (&utf8, byte))
      return jsonl_expected (line, "UTF-8");
  }
  if (utf8.left > 0)
    return jsonl_expected (line, "the rest of a character in UTF-8");
  return into ? adze_bytes_add (line->host, into, line->text + first, line->at - first) : ADZE_OK;
}

adze_status
jsonl_read_string (jsonl_line *line, adze_bytes *into)
{
  if (jsonl_peek (line) != '"')
    return jsonl_expected (line, "a quote");
  line->at++;
  if (into)
    into->size = 0;
  adze_status status = ADZE_OK;
  while (status == ADZE_OK) {
    status = read_plain (line, into);
    if (status != ADZE_OK)
      break;
    if (line->at == line->size)
      return jsonl_expected (line, "the quote that ends a text");
    if (line->text[line->at++] == '"')
      return ADZE_OK;
    status = read_escape (line, into);
  }
  return status;
}

/* ---- Numbers. */

static size_t
skip_digits (jsonl_line *line)
{
  size_t first = line->at;
  while (line->text[line->at] >= '0' && line->text[line->at] <= '9')
    line->at++;
  return line->at - first;
}

static adze_status
check_number (jsonl_line *line, bool *whole)
{
  const char *text = line->text;
  *whole = true;
  if (text[line->at] == '-')
    line->at++;
  bool zero = text[line->at] == '0';
  size_t digits = skip_digits (line);
  if (digits == 0)
    return jsonl_expected (line, "a digit");
  if (zero && digits > 1)
    return jsonl_fail (line, "a number that begins with a zero");
  if (text[line->at] == '.') {
    *whole = false;
    line->at++;
    if (skip_digits (line) == 0)
      return jsonl_expected (line, "a digit");
  }
  if (text[line->at] == 'e' || text[line->at] == 'E') {
    *whole = false;
    line->at++;
    if (text[line->at] == '+' || text[line->at] == '-')
      line->at++;
    if (skip_digits (line) == 0)
      return jsonl_expected (line, "a digit");
  }
  return ADZE_OK;
}

/* strtod and strtoll stop where the number does, since neither a NUL nor what may stand behind a
 * number continues it. */
adze_status
jsonl_read_number (jsonl_line *line, jsonl_number *number, bool *whole)
{
  const char *text = line->text + line->at;
  adze_status status = check_number (line, whole);
  if (status != ADZE_OK)
    return status;
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  if (plain == (locale_t)0)
    return adze_fail (line->host, ADZE_E_MEMORY, "no room to read a number");
  number->real = strtod_l (text, NULL, plain);
  freelocale (plain);
  if (isinf (number->real))
    return jsonl_fail (line, "a number that is too large for 64 bits");
  errno = 0;
  number->whole = *whole ? strtoll (text, NULL, 10) : 0;
  *whole = *whole && errno == 0;
  return ADZE_OK;
}

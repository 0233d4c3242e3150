/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: text, one character at a time. */
#include "cli/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- UTF-8. */

static size_t
sequence_length (unsigned char first, uint32_t *bits)
{
  if (first >= 0xc2 && first < 0xe0) {
    *bits = first & 0x1fu;
    return 2;
  }
  if (first >= 0xe0 && first < 0xf0) {
    *bits = first & 0x0fu;
    return 3;
  }
  if (first >= 0xf0 && first < 0xf5) {
    *bits = first & 0x07u;
    return 4;
  }
  return 0;
}

size_t
adze_cli_text_read (const char *text, uint32_t *code)
{
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  const unsigned char *bytes = (const unsigned char *)text;
  *code = bytes[0];
  if (bytes[0] < 0x80)
    return 1;
  *code = ADZE_CLI_BAD;
  uint32_t bits;
  size_t length = sequence_length (bytes[0], &bits);
  if (length == 0)
    return 1;
  for (size_t i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 1;
    bits = bits << 6 | (bytes[i] & 0x3fu);
  }
  if (bits < least[length] || bits > 0x10ffff || (bits >= 0xd800 && bits < 0xe000))
    return 1;
  *code = bits;
  return length;
}

bool
adze_cli_text_unsafe (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
         || code == ADZE_CLI_BAD;
}

/* ---- Columns. libc's wcwidth would depend on the locale, and tables must not. */

typedef struct code_range {
  uint32_t first, last;
} code_range;

static const code_range zero_width[] = {
  { 0x0300, 0x036f },   { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
  { 0x064b, 0x065f },   { 0x200b, 0x200d }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
  { 0xfe20, 0xfe2f },   { 0xe0100, 0xe01ef },
};

static const code_range double_width[] = {
  { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
  { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
  { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool
within (uint32_t code, const code_range *ranges, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (code >= ranges[i].first && code <= ranges[i].last)
      return true;
  return false;
}

static size_t
code_width (uint32_t code)
{
  if (adze_cli_text_unsafe (code))
    return code == ADZE_CLI_BAD || code < 0x100 ? 4 : 6; /* \xNN, \uNNNN */
  if (code < 0x300)
    return 1;
  if (within (code, zero_width, ADZE_CLI_COUNT_OF (zero_width)))
    return 0;
  return within (code, double_width, ADZE_CLI_COUNT_OF (double_width)) ? 2 : 1;
}

size_t
adze_cli_text_width (const char *text, size_t size)
{
  size_t width = 0;
  for (const char *end = text + size; text < end;) {
    uint32_t code;
    text += adze_cli_text_read (text, &code);
    width += code_width (code);
  }
  return width;
}

/* ---- What was probably meant. */

#define WORD_MAX 32

/* How many letters must be put in, left out, replaced or swapped with their neighbour. */
static unsigned
distance (const char *a, const char *b)
{
  size_t m = strlen (a), n = strlen (b);
  unsigned rows[WORD_MAX + 1][WORD_MAX + 1];
  if (m > WORD_MAX || n > WORD_MAX)
    return WORD_MAX;
  for (size_t i = 0; i <= m; i++)
    rows[i][0] = (unsigned)i;
  for (size_t j = 0; j <= n; j++)
    rows[0][j] = (unsigned)j;
  for (size_t i = 1; i <= m; i++)
    for (size_t j = 1; j <= n; j++) {
      unsigned best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (rows[i - 1][j] + 1 < best)
        best = rows[i - 1][j] + 1;
      if (rows[i][j - 1] + 1 < best)
        best = rows[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
          && rows[i - 2][j - 2] + 1 < best)
        best = rows[i - 2][j - 2] + 1;
      rows[i][j] = best;
    }
  return rows[m][n];
}

const char *
adze_cli_nearest (const char *word, const char *const *names, size_t count)
{
  const char *nearest = NULL;
  unsigned best = (unsigned)strlen (word) / 3 + 2; /* further away is another word */
  for (size_t i = 0; i < count; i++) {
    unsigned away = distance (word, names[i]);
    if (away < best && away < strlen (names[i])) {
      best = away;
      nearest = names[i];
    }
  }
  return nearest;
}

/* ---- Numbers. */

bool
adze_cli_number (const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
  char *end;
  if (!isdigit ((unsigned char)text[0])) /* strtoull would take "-1" */
    return false;
  errno = 0;
  *number = strtoull (text, &end, 10);
  return errno == 0 && *end == '\0' && *number >= least && *number <= most;
}

static bool
unit_factor (const char *unit, double *factor)
{
  static const char letters[] = "kmgt";
  *factor = 1;
  if (unit[0] == '\0' || strcasecmp (unit, "b") == 0)
    return true;
  const char *letter = strchr (letters, tolower ((unsigned char)unit[0]));
  bool decimal = strcasecmp (unit + 1, "b") == 0;
  if (!letter || !(decimal || unit[1] == '\0' || strcasecmp (unit + 1, "ib") == 0))
    return false;
  for (const char *step = letters; step <= letter; step++)
    *factor *= decimal ? 1000 : 1024;
  return true;
}

bool
adze_cli_size (const char *text, uint64_t *bytes)
{
  char *end;
  double factor;
  if (!isdigit ((unsigned char)text[0]) || tolower ((unsigned char)text[1]) == 'x')
    return false;
  double number = strtod (text, &end);
  while (*end == ' ')
    end++;
  if (!unit_factor (end, &factor))
    return false;
  double product = number * factor;
  if (!(product >= 1 && product < 9007199254740992.0)) /* 2^53: beyond it a double skips numbers */
    return false;
  *bytes = (uint64_t)product;
  return true;
}

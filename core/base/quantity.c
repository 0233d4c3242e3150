/* SPDX-License-Identifier: Apache-2.0 */
/* base/quantity.c: numbers with units. */
#define _GNU_SOURCE 1 /* strtod_l */
#include "base/quantity.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/value.h"

/* Longer ones are no quantity that a person wrote. */
#define QUANTITY_MAX 4096

/* ---- Units. */

static const struct {
  const char *name;
  adze_quantity quantity;
  double size;
} units[] = {
  { "B", ADZE_QUANTITY_BYTES, 1 },
  { "kB", ADZE_QUANTITY_BYTES, 1e3 },
  { "KB", ADZE_QUANTITY_BYTES, 1e3 }, /* as many write it */
  { "MB", ADZE_QUANTITY_BYTES, 1e6 },
  { "GB", ADZE_QUANTITY_BYTES, 1e9 },
  { "TB", ADZE_QUANTITY_BYTES, 1e12 },
  { "KiB", ADZE_QUANTITY_BYTES, 1024 },
  { "MiB", ADZE_QUANTITY_BYTES, 1048576 },
  { "GiB", ADZE_QUANTITY_BYTES, 1073741824 },
  { "TiB", ADZE_QUANTITY_BYTES, 1099511627776 },
  { "ns", ADZE_QUANTITY_SECONDS, 1e-9 },
  { "us", ADZE_QUANTITY_SECONDS, 1e-6 },
  { "ms", ADZE_QUANTITY_SECONDS, 1e-3 },
  { "s", ADZE_QUANTITY_SECONDS, 1 },
  { "min", ADZE_QUANTITY_SECONDS, 60 },
  { "h", ADZE_QUANTITY_SECONDS, 3600 },
};

const char *
adze_unit_nearest (const char *word)
{
  const char *names[ADZE_COUNT_OF (units)];
  for (size_t i = 0; i < ADZE_COUNT_OF (units); i++)
    names[i] = units[i].name;
  return adze_nearest (word, names, ADZE_COUNT_OF (names));
}

bool
adze_unit_apply (const char *word, size_t size, adze_reading *reading)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (units); i++)
    if (strlen (units[i].name) == size && memcmp (units[i].name, word, size) == 0) {
      reading->quantity = units[i].quantity;
      /* Exact where it can be: ten to the minus three is not. */
      reading->number = units[i].size < 1 ? reading->number / round (1 / units[i].size)
                                          : reading->number * units[i].size;
      return true;
    }
  return false;
}

/* ---- Numbers. */

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

size_t
adze_number_size (const char *text)
{
  size_t size = strspn (text, "0123456789");
  if (size > 0 && text[size] == '.' && is_digit (text[size + 1]))
    size += 1 + strspn (text + size + 1, "0123456789");
  size_t sign = size + 1 + (text[size] && (text[size + 1] == '-' || text[size + 1] == '+'));
  if (size > 0 && (text[size] == 'e' || text[size] == 'E') && is_digit (text[sign]))
    size = sign + strspn (text + sign, "0123456789");
  return size;
}

adze_error *
adze_number_read (const char *text, size_t size, double *number)
{
  ADZE_AUTO_FREE char *digits = strndup (text, size);
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  if (digits && plain)
    *number = strtod_l (digits, NULL, plain);
  if (plain)
    freelocale (plain);
  return digits && plain ? NULL : adze_error_memory ();
}

/* ---- A quantity by itself. */

static adze_error *
no_quantity (const char *text, adze_quantity quantity)
{
  bool bytes = quantity == ADZE_QUANTITY_BYTES;
  adze_error *error = adze_error_new (ADZE_E_PARAM, "\"%.80s\" is no %s; one reads %s", text,
                                      bytes                               ? "size"
                                      : quantity == ADZE_QUANTITY_SECONDS ? "time"
                                                                          : "number",
                                      bytes                               ? "\"2GiB\" or \"500 MB\""
                                      : quantity == ADZE_QUANTITY_SECONDS ? "\"10s\" or \"1.5 min\""
                                                                          : "\"0.5\" or \"50 %\"");
  adze_error_setf (error, "found", "%.80s", text);
  return error;
}

/* What begins TEXT, *SIZE bytes of it. Not *GOOD: that is no number, or one of no known unit. */
static adze_error *
read_reading (const char *text, adze_reading *reading, size_t *size, bool *good)
{
  *reading = (adze_reading){ 0 };
  *size = adze_number_size (text);
  *good = *size > 0;
  if (!*good)
    return NULL;
  ADZE_TRY (adze_number_read (text, *size, &reading->number));
  size_t blanks = strspn (text + *size, " \t");
  const char *unit = text + *size + blanks;
  size_t length = strcspn (unit, " \t");
  if (unit[0] == '%') {
    reading->number /= 100;
    *size += blanks + 1;
  } else if (length > 0) {
    *good = adze_unit_apply (unit, length, reading);
    *size += blanks + length;
  }
  *good = *good && isfinite (reading->number);
  return NULL;
}

adze_error *
adze_quantity_parse (const char *text, adze_quantity quantity, double *number)
{
  adze_reading reading;
  size_t size;
  bool good;
  if (strnlen (text, QUANTITY_MAX + 1) > QUANTITY_MAX)
    return no_quantity (text, quantity);
  const char *start = text + strspn (text, " \t\r\n");
  ADZE_TRY (read_reading (start, &reading, &size, &good));
  bool fits = good
              && (reading.quantity == quantity
                  /* Bytes may be counted without saying so; seconds might be milliseconds. */
                  || (reading.quantity == ADZE_QUANTITY_NUMBER && quantity == ADZE_QUANTITY_BYTES));
  if (!fits || start[size + strspn (start + size, " \t")] != '\0')
    return no_quantity (text, quantity);
  *number = reading.number;
  return NULL;
}

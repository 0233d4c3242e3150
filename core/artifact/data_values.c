/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/data_values.c: from bytes to values that can be shown. */
#include "artifact/data_values.h"

#include <stdio.h>
#include <string.h>

#include "artifact/decode.h"

/* ---- Elements. */

static adze_value *
whole (int64_t number)
{
  adze_value *value = adze_value_new (ADZE_VALUE_INT);
  if (value)
    value->integer = number;
  return value;
}

static adze_value *
real (double number)
{
  adze_value *value = adze_value_new (ADZE_VALUE_FLOAT);
  if (value)
    value->real = number;
  return value;
}

static adze_value *
words (const char *text, size_t size)
{
  adze_value *value = adze_value_new (ADZE_VALUE_STRING);
  if (value && !adze_value_set_text (value, text, size)) {
    adze_value_free (value);
    return NULL;
  }
  return value;
}

static adze_value *
bytes_value (const unsigned char *bytes, size_t size)
{
  char text[2 + 2 * 64 + 1] = "0x";
  for (size_t i = 0; i < size && i < 64; i++)
    snprintf (text + 2 + 2 * i, 3, "%02x", bytes[i]);
  return words (text, strlen (text));
}

adze_value *
adze_element_value (adze_dtype dtype, const void *element)
{
  unsigned size = dtype.bits / 8;
  uint64_t bits = 0;
  bool plain = dtype.lanes == 1 && (size == 1 || size == 2 || size == 4 || size == 8);
  if (plain)
    memcpy (&bits, element, size); /* little-endian, as all machines that adze runs on */
  if (plain && dtype.code == ADZE_INT)
    return whole ((int64_t)(bits << (64 - dtype.bits)) >> (64 - dtype.bits));
  if (plain && dtype.code == ADZE_UINT && bits <= INT64_MAX)
    return whole ((int64_t)bits);
  if (plain && dtype.code == ADZE_BOOL) {
    adze_value *value = adze_value_new (ADZE_VALUE_BOOL);
    if (value)
      value->boolean = bits != 0;
    return value;
  }
  const adze_tensor_meta meta = { .struct_size = sizeof meta, .dtype = dtype };
  if (dtype.code == ADZE_UINT || !adze_decodes (&meta))
    return bytes_value (element, (size_t)size * dtype.lanes);
  double number;
  adze_decode (dtype, element, 1, &number);
  return real (number);
}

/* ---- Examples. */

/* The part of the example that dimension LEVEL and those behind it make. */
static adze_value *
nested (const adze_column *column, int32_t level, const unsigned char **at)
{
  if (level == column->rank) {
    adze_value *value = adze_element_value (column->dtype, *at);
    *at += (size_t)column->dtype.bits / 8 * column->dtype.lanes;
    return value;
  }
  ADZE_AUTO_VALUE list = adze_value_new (ADZE_VALUE_LIST);
  for (int64_t i = 0; list && i < column->shape[level]; i++) {
    adze_value *item = nested (column, level + 1, at);
    if (!item)
      return NULL;
    ADZE_AUTO_ERROR error = adze_value_append (list, NULL, item);
    if (error)
      return NULL;
  }
  return adze_take (&list);
}

adze_value *
adze_example_value (const adze_column *column, size_t size, const void *values, size_t index)
{
  if (column->is_text) {
    const adze_text *text = (const adze_text *)values + index;
    return words (text->data, (size_t)text->size);
  }
  const unsigned char *at = (const unsigned char *)values + index * size;
  return nested (column, 0, &at);
}

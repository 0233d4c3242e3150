/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c: named values into a file that has room for texts alone. What is no text stands as
 * JSON in one of the texts (safetensors.h shows its form), so that nothing is lost on the way from a
 * format that has numbers and lists, and back. */
#include <locale.h>
#include <stdlib.h>

#include "safetensors.h"

bool
safetensors_is_text (const adze_meta *value)
{
  return value->type == ADZE_META_STRING
         && safetensors_is_utf8 (value->text.data, (size_t)value->text.size);
}

adze_status
safetensors_needs_values (const adze_host *host, const adze_cargo *cargo, bool *needs)
{
  const adze_cargo_service *service = adze_cargo_of (host);
  adze_text key;
  const adze_meta *value;
  char shown[SAFETENSORS_SHOWN];
  *needs = false;
  for (size_t i = 0;; i++) {
    service->metadata (host, cargo, i, &key, &value);
    if (!key.data)
      return ADZE_OK;
    if (!safetensors_is_utf8 (key.data, (size_t)key.size))
      return adze_fail (host, ADZE_E_UNSUPPORTED,
                        "a key of the metadata ('%s') is not UTF-8, as safetensors demands",
                        safetensors_shown (key.data, key.size, shown));
    if (safetensors_text_is (key, SAFETENSORS_VALUES))
      return adze_fail (host, ADZE_E_UNSUPPORTED,
                        "the metadata has the key '" SAFETENSORS_VALUES
                        "', under which this format keeps values that are no texts; rename it");
    *needs = *needs || !safetensors_is_text (value);
  }
}

static const char *const type_names[] = { "u8",   "i8",  "u16",   "i16", "u32", "i32", "f32",
                                          "bool", "str", "array", "u64", "i64", "f64" };

static void
put_text (safetensors_bytes *bytes, adze_text text)
{
  if (safetensors_is_utf8 (text.data, (size_t)text.size)) {
    safetensors_put_string (bytes, text.data, (size_t)text.size);
    return;
  }
  safetensors_put_word (bytes, "{\"hex\":\"");
  for (uint64_t i = 0; i < text.size; i++)
    safetensors_put_format (bytes, "%02x", (unsigned)(unsigned char)text.data[i]);
  safetensors_put_word (bytes, "\"}");
}

static int64_t
signed_of (uint64_t bits, size_t size)
{
  unsigned unused = 64 - 8 * (unsigned)size;
  return (int64_t)(bits << unused) >> unused;
}

/* The shortest of two lengths that says the same number, or its bits. */
static void
put_f32 (safetensors_bytes *bytes, uint32_t bits)
{
  float number, again;
  char text[32];
  memcpy (&number, &bits, sizeof number);
  if ((bits & 0x7f800000) == 0x7f800000) {
    safetensors_put_format (bytes, "\"0x%08" PRIx32 "\"", bits);
    return;
  }
  snprintf (text, sizeof text, "%.6g", (double)number);
  again = strtof (text, NULL);
  if (memcmp (&again, &number, sizeof again) != 0)
    snprintf (text, sizeof text, "%.9g", (double)number);
  safetensors_put_word (bytes, text);
}

static void
put_f64 (safetensors_bytes *bytes, uint64_t bits)
{
  double number, again;
  char text[32];
  memcpy (&number, &bits, sizeof number);
  if ((bits & 0x7ff0000000000000) == 0x7ff0000000000000) {
    safetensors_put_format (bytes, "\"0x%016" PRIx64 "\"", bits);
    return;
  }
  snprintf (text, sizeof text, "%.15g", number);
  again = strtod (text, NULL);
  if (memcmp (&again, &number, sizeof again) != 0)
    snprintf (text, sizeof text, "%.17g", number);
  safetensors_put_word (bytes, text);
}

static void
put_number (safetensors_bytes *bytes, uint32_t type, uint64_t bits)
{
  switch (type) {
  case ADZE_META_BOOL:
    safetensors_put_word (bytes, bits ? "true" : "false");
    break;
  case ADZE_META_F32:
    put_f32 (bytes, (uint32_t)bits);
    break;
  case ADZE_META_F64:
    put_f64 (bytes, bits);
    break;
  case ADZE_META_I8:
  case ADZE_META_I16:
  case ADZE_META_I32:
  case ADZE_META_I64:
    safetensors_put_format (bytes, "%" PRId64, signed_of (bits, adze_meta_number_size (type)));
    break;
  default:
    safetensors_put_format (bytes, "%" PRIu64, bits);
    break;
  }
}

static uint64_t
item_bits (const adze_meta *array, uint64_t index)
{
  size_t size = adze_meta_number_size (array->item);
  const unsigned char *item = (const unsigned char *)array->items + index * size;
  uint64_t bits = 0;
  for (size_t i = 0; i < size; i++)
    bits |= (uint64_t)item[i] << (8 * i);
  return bits;
}

/* Arrays in arrays are as deep as the host lets values be. */
static void
put_value (safetensors_bytes *bytes, const adze_meta *value)
{
  bool array = value->type == ADZE_META_ARRAY;
  uint32_t type = array ? value->item : value->type;
  safetensors_put_format (bytes, "{\"%s\":", type_names[type]);
  if (array) {
    safetensors_put_word (bytes, "[");
    for (uint64_t i = 0; i < value->count; i++) {
      if (i > 0)
        safetensors_put_word (bytes, ",");
      if (type == ADZE_META_STRING)
        put_text (bytes, ((const adze_text *)value->items)[i]);
      else if (type == ADZE_META_ARRAY)
        put_value (bytes, (const adze_meta *)value->items + i);
      else
        put_number (bytes, type, item_bits (value, i));
    }
    safetensors_put_word (bytes, "]");
  } else if (type == ADZE_META_STRING)
    put_text (bytes, value->text);
  else
    put_number (bytes, type, value->bits);
  safetensors_put_word (bytes, "}");
}

void
safetensors_put_values (const adze_host *host, const adze_cargo *cargo, safetensors_bytes *bytes)
{
  const adze_cargo_service *service = adze_cargo_of (host);
  adze_text key;
  const adze_meta *value;
  /* "C" is there always, and takes no memory. In others a decimal point may be a comma. */
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = plain ? uselocale (plain) : (locale_t)0;
  safetensors_put_word (bytes, "{");
  for (size_t i = 0;; i++) {
    service->metadata (host, cargo, i, &key, &value);
    if (!key.data)
      break;
    if (i > 0)
      safetensors_put_word (bytes, ",");
    safetensors_put_string (bytes, key.data, (size_t)key.size);
    safetensors_put_word (bytes, ":");
    if (safetensors_is_text (value))
      safetensors_put_word (bytes, "null");
    else
      put_value (bytes, value);
  }
  safetensors_put_word (bytes, "}");
  if (plain) {
    uselocale (before);
    freelocale (plain);
  } else
    bytes->failed = true;
}

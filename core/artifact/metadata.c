/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/metadata.c: the named values that lie beside the tensors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "artifact/meta.h"
#include "base/json.h"

/* Bytes of one entry of an array of ITEM. */
static size_t
item_size (uint32_t item)
{
  switch (item) {
  case ADZE_META_STRING:
    return sizeof (adze_text);
  case ADZE_META_ARRAY:
    return sizeof (adze_meta);
  default:
    return adze_meta_number_size (item);
  }
}

/* ---- Is it sound? */

static adze_error *
unknown_type (uint32_t type)
{
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "a value is of the unknown type %" PRIu32, type);
  adze_error_set (error, "needed", "a type from 0 to 12");
  adze_error_setf (error, "found", "%" PRIu32, type);
  return error;
}

static adze_error *
check_text (const adze_text *text)
{
  if (text->data || text->size == 0)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT, "a text of %" PRIu64 " bytes has none", text->size);
}

static adze_error *check_value (const adze_meta *value, unsigned depth);

static adze_error *
check_array (const adze_meta *array, unsigned depth)
{
  size_t size = item_size (array->item);
  if (size == 0)
    return unknown_type (array->item);
  if (depth >= ADZE_META_DEPTH_MAX) {
    adze_error *error
        = adze_error_new (ADZE_E_FORMAT, "arrays are nested deeper than %d", ADZE_META_DEPTH_MAX);
    adze_error_setf (error, "needed", "a depth of at most %d", ADZE_META_DEPTH_MAX);
    return error;
  }
  if (array->count > (uint64_t)PTRDIFF_MAX / size || (array->count > 0 && !array->items))
    return adze_error_new (ADZE_E_FORMAT, "an array of %" PRIu64 " entries cannot be",
                           array->count);
  if (array->item == ADZE_META_STRING)
    for (uint64_t i = 0; i < array->count; i++)
      ADZE_TRY (check_text ((const adze_text *)array->items + i));
  if (array->item == ADZE_META_ARRAY)
    for (uint64_t i = 0; i < array->count; i++) {
      const adze_meta *entry = (const adze_meta *)array->items + i;
      if (entry->type != ADZE_META_ARRAY)
        return adze_error_new (ADZE_E_CONTRACT, "an entry of an array of arrays is none");
      ADZE_TRY (check_array (entry, depth + 1));
    }
  return NULL;
}

static adze_error *
check_value (const adze_meta *value, unsigned depth)
{
  if (value->type == ADZE_META_ARRAY)
    return check_array (value, depth);
  if (value->type == ADZE_META_STRING)
    return check_text (&value->text);
  return adze_meta_number_size (value->type) ? NULL : unknown_type (value->type);
}

adze_error *
adze_meta_check (const adze_meta *value)
{
  return check_value (value, 0);
}

/* ---- Copies. A string has its bytes and a NUL, an array its entries and those of all texts in it
 * in one block each, so that a million short texts take no million blocks. */

static void
free_value (adze_meta *value)
{
  if (value->type == ADZE_META_STRING)
    free ((void *)value->text.data);
  if (value->type != ADZE_META_ARRAY)
    return;
  if (value->item == ADZE_META_ARRAY)
    for (uint64_t i = 0; i < value->count; i++)
      free_value ((adze_meta *)value->items + i);
  free ((void *)value->items);
}

/* The texts behind their array, one after the other, each with a NUL. */
static bool
copy_texts (const adze_meta *from, adze_meta *into)
{
  const adze_text *texts = from->items;
  size_t bytes = 0;
  for (uint64_t i = 0; i < from->count; i++)
    if (__builtin_add_overflow (bytes, texts[i].size + 1, &bytes))
      return false;
  size_t table = (size_t)from->count * sizeof *texts;
  if (bytes > SIZE_MAX - table - 1)
    return false;
  adze_text *copies = malloc (table + bytes + 1);
  if (!copies)
    return false;
  char *room = (char *)copies + table;
  for (uint64_t i = 0; i < from->count; i++) {
    copies[i] = (adze_text){ room, texts[i].size };
    if (texts[i].size > 0)
      memcpy (room, texts[i].data, texts[i].size);
    room[texts[i].size] = '\0';
    room += texts[i].size + 1;
  }
  into->items = copies;
  return true;
}

static bool copy_value (const adze_meta *from, adze_meta *into);

static bool
copy_arrays (const adze_meta *from, adze_meta *into)
{
  const adze_meta *entries = from->items;
  adze_meta *copies = calloc ((size_t)from->count + 1, sizeof *copies);
  if (!copies)
    return false;
  into->items = copies;
  for (uint64_t i = 0; i < from->count; i++)
    if (!copy_value (&entries[i], &copies[i]))
      return false;
  return true;
}

static bool
copy_numbers (const adze_meta *from, adze_meta *into)
{
  size_t size = (size_t)from->count * item_size (from->item);
  void *copy = malloc (size + 1);
  if (!copy)
    return false;
  if (size > 0)
    memcpy (copy, from->items, size);
  into->items = copy;
  return true;
}

static bool
copy_array (const adze_meta *from, adze_meta *into)
{
  if (from->item == ADZE_META_STRING)
    return copy_texts (from, into);
  return from->item == ADZE_META_ARRAY ? copy_arrays (from, into) : copy_numbers (from, into);
}

/* What was copied when it fails is still to be freed with free_value. */
static bool
copy_value (const adze_meta *from, adze_meta *into)
{
  *into = (adze_meta){ .type = from->type };
  size_t size = adze_meta_number_size (from->type);
  if (size > 0) {
    into->bits = size < 8 ? from->bits & ((UINT64_C (1) << size * 8) - 1) : from->bits;
    return true;
  }
  if (from->type == ADZE_META_ARRAY) {
    into->item = from->item;
    if (!copy_array (from, into))
      return into->count = into->items ? from->count : 0, false;
    into->count = from->count;
    return true;
  }
  char *copy = from->text.size < SIZE_MAX ? malloc ((size_t)from->text.size + 1) : NULL;
  if (!copy)
    return false;
  if (from->text.size > 0)
    memcpy (copy, from->text.data, (size_t)from->text.size);
  copy[from->text.size] = '\0';
  into->text = (adze_text){ copy, from->text.size };
  return true;
}

/* ---- The list. */

void
adze_metadata_cleanup (adze_metadata *metadata)
{
  for (size_t i = 0; i < metadata->count; i++) {
    free (metadata->entries[i].key);
    free_value (&metadata->entries[i].value);
  }
  free (metadata->entries);
  *metadata = (adze_metadata){ 0 };
}

static adze_metadata_entry *
find (const adze_metadata *metadata, const char *key, size_t key_size)
{
  for (size_t i = 0; i < metadata->count; i++) {
    adze_metadata_entry *entry = &metadata->entries[i];
    if (entry->key_size == key_size && memcmp (entry->key, key, key_size) == 0)
      return entry;
  }
  return NULL;
}

static bool
make_room (adze_metadata *metadata)
{
  if (metadata->count < metadata->capacity)
    return true;
  size_t capacity = metadata->capacity ? metadata->capacity * 2 : 8;
  adze_metadata_entry *grown
      = reallocarray (metadata->entries, capacity, sizeof *metadata->entries);
  if (!grown)
    return false;
  metadata->entries = grown;
  metadata->capacity = capacity;
  return true;
}

adze_error *
adze_metadata_append (adze_metadata *metadata, const char *key, size_t key_size,
                      const adze_meta *value)
{
  if (!make_room (metadata))
    return adze_error_memory ();
  adze_metadata_entry fresh = { .key = malloc (key_size + 1), .key_size = key_size };
  if (!fresh.key || !copy_value (value, &fresh.value)) {
    free (fresh.key);
    free_value (&fresh.value);
    return adze_error_memory ();
  }
  if (key_size > 0)
    memcpy (fresh.key, key, key_size);
  fresh.key[key_size] = '\0';
  metadata->entries[metadata->count++] = fresh;
  return NULL;
}

adze_error *
adze_metadata_set (adze_metadata *metadata, const char *key, size_t key_size,
                   const adze_meta *value)
{
  adze_metadata_entry *entry = find (metadata, key, key_size);
  if (!entry)
    return adze_metadata_append (metadata, key, key_size, value);
  adze_meta copy;
  if (!copy_value (value, &copy)) {
    free_value (&copy);
    return adze_error_memory ();
  }
  free_value (&entry->value);
  entry->value = copy;
  return NULL;
}

void
adze_metadata_remove (adze_metadata *metadata, const char *key)
{
  adze_metadata_entry *entry = find (metadata, key, strlen (key));
  if (!entry)
    return;
  free (entry->key);
  free_value (&entry->value);
  size_t behind = (size_t)(metadata->entries + metadata->count - entry) - 1;
  memmove (entry, entry + 1, behind * sizeof *entry);
  metadata->count--;
}

const adze_meta *
adze_metadata_get (const adze_metadata *metadata, const char *key)
{
  const adze_metadata_entry *entry = find (metadata, key, strlen (key));
  return entry ? &entry->value : NULL;
}

adze_error *
adze_metadata_copy (const adze_metadata *from, adze_metadata *into)
{
  for (size_t i = 0; i < from->count; i++) {
    const adze_metadata_entry *entry = &from->entries[i];
    ADZE_TRY (adze_metadata_append (into, entry->key, entry->key_size, &entry->value));
  }
  return NULL;
}

/* ---- Equality. */

static bool
texts_equal (const adze_text *a, const adze_text *b)
{
  return a->size == b->size && (a->size == 0 || memcmp (a->data, b->data, (size_t)a->size) == 0);
}

static bool
items_equal (const adze_meta *a, const adze_meta *b)
{
  if (a->item != ADZE_META_STRING && a->item != ADZE_META_ARRAY)
    return a->count == 0
           || memcmp (a->items, b->items, (size_t)a->count * item_size (a->item)) == 0;
  for (uint64_t i = 0; i < a->count; i++)
    if (a->item == ADZE_META_STRING
            ? !texts_equal ((const adze_text *)a->items + i, (const adze_text *)b->items + i)
            : !adze_meta_equal ((const adze_meta *)a->items + i, (const adze_meta *)b->items + i))
      return false;
  return true;
}

bool
adze_meta_equal (const adze_meta *a, const adze_meta *b)
{
  if (a->type != b->type)
    return false;
  if (a->type == ADZE_META_STRING)
    return texts_equal (&a->text, &b->text);
  if (a->type == ADZE_META_ARRAY)
    return a->item == b->item && a->count == b->count && items_equal (a, b);
  return a->bits == b->bits;
}

/* ---- As JSON. */

static uint64_t
bits_at (const void *items, uint32_t type, uint64_t index)
{
  size_t size = adze_meta_number_size (type);
  const unsigned char *bytes = (const unsigned char *)items + index * size;
  uint64_t bits = 0;
  for (size_t i = size; i-- > 0;)
    bits = bits << 8 | bytes[i];
  return bits;
}

static int64_t
signed_bits (uint64_t bits, size_t size)
{
  unsigned unused = 64 - (unsigned)size * 8;
  return (int64_t)(bits << unused) >> unused;
}

/* The double with the fewest digits that is still this float: 0.1, not 0.10000000149011612. */
static double
shortest_double (float number)
{
  char digits[32];
  for (int places = 5; isfinite (number) && places < 8; places++) {
    snprintf (digits, sizeof digits, "%.*e", places, (double)number);
    if (strtof (digits, NULL) == number)
      return strtod (digits, NULL);
  }
  return (double)number;
}

static void
number_json (uint32_t type, uint64_t bits, adze_value *into, const char *key)
{
  switch (type) {
  case ADZE_META_BOOL:
    adze_json_bool (into, key, bits != 0);
    return;
  case ADZE_META_F32: {
    float number;
    uint32_t low = (uint32_t)bits;
    memcpy (&number, &low, sizeof number);
    adze_json_float (into, key, shortest_double (number));
    return;
  }
  case ADZE_META_F64: {
    double number;
    memcpy (&number, &bits, sizeof number);
    adze_json_float (into, key, number);
    return;
  }
  case ADZE_META_I8:
  case ADZE_META_I16:
  case ADZE_META_I32:
  case ADZE_META_I64:
    adze_json_int (into, key, signed_bits (bits, adze_meta_number_size (type)));
    return;
  default:
    break;
  }
  if (bits <= INT64_MAX) {
    adze_json_int (into, key, (int64_t)bits);
    return;
  }
  /* Readers of JSON, our own too, stop at 2^63 - 1. */
  char digits[24];
  snprintf (digits, sizeof digits, "%" PRIu64, bits);
  adze_json_string (into, key, digits);
}

static void
text_json (const adze_text *text, adze_value *into, const char *key)
{
  adze_value *made = adze_json_string (into, key, "");
  if (made && !adze_value_set_text (made, text->data ? text->data : "", (size_t)text->size))
    made->failed = true;
}

static void
array_json (const adze_meta *array, size_t most, adze_value *into, const char *key)
{
  adze_value *list = adze_json_list (into, key);
  uint64_t shown = most > 0 && array->count > most ? most : array->count;
  for (uint64_t i = 0; list && i < shown; i++) {
    if (array->item == ADZE_META_STRING)
      text_json ((const adze_text *)array->items + i, list, NULL);
    else if (array->item == ADZE_META_ARRAY)
      array_json ((const adze_meta *)array->items + i, most, list, NULL);
    else
      number_json (array->item, bits_at (array->items, array->item, i), list, NULL);
  }
  if (shown == array->count)
    return;
  char rest[64];
  snprintf (rest, sizeof rest, "... and %" PRIu64 " more", array->count - shown);
  adze_json_string (list, NULL, rest);
}

void
adze_meta_json (const adze_meta *value, size_t most, adze_value *into, const char *key)
{
  if (value->type == ADZE_META_STRING)
    text_json (&value->text, into, key);
  else if (value->type == ADZE_META_ARRAY)
    array_json (value, most, into, key);
  else
    number_json (value->type, value->bits, into, key);
}

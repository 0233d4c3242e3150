/* SPDX-License-Identifier: Apache-2.0 */
/* metadata_read.c: named values out of a file: the texts of "__metadata__", and what stands as JSON
 * in one of them. */
#include <locale.h>
#include <stdlib.h>

#include "safetensors.h"

/* Memory of one value, given back all at once. Blocks are chained both ways, so that one of them
 * can grow. */
typedef struct block {
  struct block *next, *before;
  max_align_t data[];
} block;

typedef struct value_reader {
  safetensors_json *json;
  block *blocks;
} value_reader;

static void
free_blocks (value_reader *reader)
{
  while (reader->blocks) {
    block *next = reader->blocks->next;
    free (reader->blocks);
    reader->blocks = next;
  }
}

/* DATA is NULL or from here; what it held stays. NULL: no memory. */
static void *
resize (value_reader *reader, void *data, size_t size)
{
  block *old = data ? (block *)((char *)data - offsetof (block, data)) : NULL;
  block *grown
      = size < SIZE_MAX - sizeof *old ? realloc (old, offsetof (block, data) + size) : NULL;
  if (!grown)
    return NULL;
  if (!old) {
    grown->before = NULL;
    grown->next = reader->blocks;
  }
  if (grown->next)
    grown->next->before = grown;
  if (grown->before)
    grown->before->next = grown;
  else
    reader->blocks = grown;
  return grown->data;
}

/* ---- Single values. */

static const struct {
  const char *name;
  uint32_t type;
} types[] = { { "u8", ADZE_META_U8 },       { "i8", ADZE_META_I8 },     { "u16", ADZE_META_U16 },
              { "i16", ADZE_META_I16 },     { "u32", ADZE_META_U32 },   { "i32", ADZE_META_I32 },
              { "f32", ADZE_META_F32 },     { "bool", ADZE_META_BOOL }, { "str", ADZE_META_STRING },
              { "array", ADZE_META_ARRAY }, { "u64", ADZE_META_U64 },   { "i64", ADZE_META_I64 },
              { "f64", ADZE_META_F64 } };

static adze_status
read_type (safetensors_json *json, uint32_t *type)
{
  adze_text name;
  char shown[SAFETENSORS_SHOWN];
  adze_status status = safetensors_expect (json, '{', "before a type");
  if (status == ADZE_OK)
    status = safetensors_name (json, "a type", &name);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (safetensors_text_is (name, types[i].name)) {
      *type = types[i].type;
      return ADZE_OK;
    }
  return safetensors_malformed (json, json->at,
                                "'%s' is no type of a value; u8 to u64, i8 to i64, "
                                "f32, f64, bool, str and array are",
                                safetensors_shown (name.data, name.size, shown));
}

static adze_status
read_integer (safetensors_json *json, uint32_t type, uint64_t *bits)
{
  bool is_signed = type == ADZE_META_I8 || type == ADZE_META_I16 || type == ADZE_META_I32
                   || type == ADZE_META_I64;
  unsigned width = 8 * (unsigned)adze_meta_number_size (type);
  uint64_t most = (UINT64_MAX >> (64 - width)) >> is_signed;
  bool negative = safetensors_peek (json) == '-';
  size_t at = json->at;
  if (negative)
    json->at++;
  adze_status status = safetensors_whole (json, "a value", bits);
  if (status != ADZE_OK)
    return status;
  if (*bits > most + (negative && is_signed) || (negative && !is_signed && *bits > 0))
    return safetensors_malformed (json, at, "a number is beyond what its type of %u bits holds",
                                  width);
  if (negative)
    *bits = -*bits;
  *bits &= UINT64_MAX >> (64 - width);
  return ADZE_OK;
}

/* "0x" and as many digits as the type has. */
static adze_status
read_bits (safetensors_json *json, uint32_t type, uint64_t *bits)
{
  adze_text text;
  size_t digits = 2 * adze_meta_number_size (type);
  size_t at = json->at;
  adze_status status = safetensors_string (json, "the bits of a number", &text);
  if (status != ADZE_OK)
    return status;
  bool good = text.size == digits + 2 && memcmp (text.data, "0x", 2) == 0
              && strspn (text.data + 2, "0123456789abcdef") == digits;
  if (!good)
    return safetensors_malformed (json, at,
                                  "needed is a number, or 0x and its %zu hexadecimal "
                                  "digits in quotes",
                                  digits);
  *bits = strtoull (text.data + 2, NULL, 16);
  return ADZE_OK;
}

static adze_status
read_float (safetensors_json *json, uint32_t type, uint64_t *bits)
{
  if (safetensors_peek (json) == '"')
    return read_bits (json, type, bits);
  adze_text text;
  char copy[64];
  size_t at = json->at;
  adze_status status = safetensors_number (json, "a value", &text);
  if (status != ADZE_OK)
    return status;
  if (text.size >= sizeof copy)
    return safetensors_malformed (json, at, "a number has more than %zu digits", sizeof copy - 1);
  memcpy (copy, text.data, (size_t)text.size);
  copy[text.size] = '\0';
  *bits = 0;
  if (type == ADZE_META_F32) {
    float number = strtof (copy, NULL);
    memcpy (bits, &number, sizeof number);
  } else {
    double number = strtod (copy, NULL);
    memcpy (bits, &number, sizeof number);
  }
  return ADZE_OK;
}

static bool
is_float (uint32_t type)
{
  return type == ADZE_META_F32 || type == ADZE_META_F64;
}

static adze_status
read_number (safetensors_json *json, uint32_t type, uint64_t *bits)
{
  const char *word = NULL;
  if (is_float (type))
    return read_float (json, type, bits);
  if (type != ADZE_META_BOOL)
    return read_integer (json, type, bits);
  size_t at = json->at;
  adze_status status = safetensors_literal (json, "true or false", &word);
  if (status == ADZE_OK && strcmp (word, "null") == 0)
    return safetensors_malformed (json, at, "needed is true or false, found is null");
  *bits = word && strcmp (word, "true") == 0;
  return status;
}

/* {"hex": "ff00"}: decoded where it stands. */
static adze_status
read_hex (safetensors_json *json, adze_text *text)
{
  adze_text name;
  size_t at = json->at;
  adze_status status = safetensors_expect (json, '{', "before hex");
  if (status == ADZE_OK)
    status = safetensors_name (json, "hex", &name);
  if (status == ADZE_OK && !safetensors_text_is (name, "hex"))
    return safetensors_malformed (json, at, "needed is a text, or {\"hex\": \"...\"}");
  if (status == ADZE_OK)
    status = safetensors_string (json, "hexadecimal digits", text);
  if (status == ADZE_OK)
    status = safetensors_expect (json, '}', "behind hex");
  if (status != ADZE_OK)
    return status;
  if (text->size % 2 != 0 || strspn (text->data, "0123456789abcdef") != text->size)
    return safetensors_malformed (json, at, "needed are pairs of hexadecimal digits in lower case");
  char *into = json->text + (text->data - json->text);
  for (size_t i = 0; i < text->size; i += 2) {
    char pair[3] = { into[i], into[i + 1], '\0' };
    into[i / 2] = (char)strtoul (pair, NULL, 16);
  }
  text->size /= 2;
  return ADZE_OK;
}

static adze_status
read_text (safetensors_json *json, adze_text *text)
{
  return safetensors_peek (json) == '{' ? read_hex (json, text)
                                        : safetensors_string (json, "a text", text);
}

/* ---- Lists. */

static adze_status read_value (value_reader *reader, unsigned depth, adze_meta *value);

static size_t
item_size (uint32_t type)
{
  size_t size = adze_meta_number_size (type);
  return size ? size : type == ADZE_META_STRING ? sizeof (adze_text) : sizeof (adze_meta);
}

static adze_status
read_item (value_reader *reader, uint32_t type, unsigned depth, void *item)
{
  enum { DIGITS_FOR_ONE = 4 };
  uint64_t bits = 0;
  if (type == ADZE_META_STRING) {
    adze_status status = safetensors_count_item (reader->json, 1);
    return status == ADZE_OK ? read_text (reader->json, item) : status;
  }
  if (type == ADZE_META_ARRAY) {
    adze_meta *value = item;
    size_t at = reader->json->at;
    adze_status status = read_value (reader, depth + 1, value);
    if (status == ADZE_OK && value->type != ADZE_META_ARRAY)
      return safetensors_malformed (reader->json, at, "an entry of an array of arrays is none");
    return status;
  }
  size_t at = reader->json->at;
  adze_status status = read_number (reader->json, type, &bits);
  if (status == ADZE_OK)
    status = safetensors_count_item (
        reader->json, is_float (type) ? 1 + (reader->json->at - at) / DIGITS_FOR_ONE : 1);
  unsigned char *bytes = item;
  for (size_t i = 0; i < adze_meta_number_size (type); i++)
    bytes[i] = (unsigned char)(bits >> (8 * i));
  return status;
}

static adze_status
read_list (value_reader *reader, uint32_t type, unsigned depth, adze_meta *value)
{
  bool first = true, more = false;
  size_t size = item_size (type), room = 0;
  char *items = NULL;
  if (depth >= ADZE_META_DEPTH_MAX)
    return safetensors_malformed (reader->json, reader->json->at,
                                  "arrays are nested more than %d deep", ADZE_META_DEPTH_MAX);
  *value = (adze_meta){ .type = ADZE_META_ARRAY, .item = type };
  adze_status status = safetensors_expect (reader->json, '[', "before a list");
  while (status == ADZE_OK) {
    status = safetensors_more (reader->json, ']', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    if (value->count == room) {
      room = room ? room * 2 : 4;
      char *grown = resize (reader, items, room * size);
      if (!grown)
        return adze_fail (reader->json->host, ADZE_E_MEMORY, "%s: no room for a list of values",
                          reader->json->file);
      items = grown;
    }
    status = read_item (reader, type, depth, items + value->count * size);
    value->count++;
  }
  value->items = items ? items : "";
  return status;
}

/* Calls itself for arrays in arrays, to the depth that values may have. */
static adze_status
read_value (value_reader *reader, unsigned depth, adze_meta *value)
{
  uint32_t type = 0;
  *value = (adze_meta){ 0 };
  adze_status status = safetensors_count_entry (reader->json);
  if (status == ADZE_OK)
    status = read_type (reader->json, &type);
  if (status != ADZE_OK)
    return status;
  if (safetensors_peek (reader->json) == '[')
    status = read_list (reader, type, depth, value);
  else if (type == ADZE_META_ARRAY)
    status = safetensors_expect (reader->json, '[', "before an array's entries");
  else {
    value->type = type;
    status = type == ADZE_META_STRING ? read_text (reader->json, &value->text)
                                      : read_number (reader->json, type, &value->bits);
  }
  return status == ADZE_OK ? safetensors_expect (reader->json, '}', "behind a value") : status;
}

/* ---- Entries by name. */

static int
compare_keys (adze_text a, adze_text b)
{
  size_t size = (size_t)(a.size < b.size ? a.size : b.size);
  int order = memcmp (a.data, b.data, size);
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int
compare_pointers (const void *a, const void *b)
{
  const safetensors_entry *const *one = a, *const *other = b;
  return compare_keys ((*one)->key, (*other)->key);
}

static int
compare_entries (const void *a, const void *b)
{
  return compare_keys (((const safetensors_entry *)a)->key, ((const safetensors_entry *)b)->key);
}

void
safetensors_sort_entries (safetensors_header *header)
{
  if (header->entry_count > 0)
    qsort (header->entries, header->entry_count, sizeof *header->entries, compare_entries);
}

const safetensors_entry *
safetensors_find_entry (const safetensors_header *header, adze_text key)
{
  safetensors_entry wanted = { .key = key };
  return header->entry_count == 0 ? NULL
                                  : bsearch (&wanted, header->entries, header->entry_count,
                                             sizeof wanted, compare_entries);
}

/* ---- All of it. */

static adze_status
tell_text (const adze_host *host, const safetensors_entry *entry, adze_catalog *catalog)
{
  adze_meta value = adze_meta_text (entry->value.data, entry->value.size);
  return adze_catalog_of (host)->metadata (host, catalog, entry->key, &value);
}

/* A name with null is that of a text: it comes here, and is marked as told. */
static adze_status
tell_named (safetensors_json *json, const safetensors_header *header, adze_text key,
            const safetensors_entry **sorted, adze_catalog *catalog, bool *told)
{
  const char *word = NULL;
  size_t at = json->at;
  adze_status status = safetensors_literal (json, "null or a value with its type", &word);
  if (status != ADZE_OK)
    return status;
  if (strcmp (word, "null") != 0)
    return safetensors_malformed (json, at, "needed is null or a value with its type, found is %s",
                                  word);
  safetensors_entry wanted = { .key = key };
  const safetensors_entry *pointer = &wanted;
  const safetensors_entry **found
      = bsearch (&pointer, sorted, header->entry_count, sizeof *sorted, compare_pointers);
  /* Another program may have taken the text away: then there is nothing to be told. */
  if (!found || told[*found - header->entries])
    return ADZE_OK;
  told[*found - header->entries] = true;
  return tell_text (json->host, *found, catalog);
}

static adze_status
tell_values (safetensors_json *json, const safetensors_header *header,
             const safetensors_entry **sorted, adze_catalog *catalog, bool *told)
{
  bool first = true, more = false;
  adze_status status = safetensors_expect (json, '{', "at the beginning");
  while (status == ADZE_OK) {
    adze_text key;
    value_reader reader = { json, NULL };
    adze_meta value;
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    status = safetensors_name (json, "a key", &key);
    if (status == ADZE_OK && safetensors_peek (json) != '{')
      status = tell_named (json, header, key, sorted, catalog, told);
    else if (status == ADZE_OK) {
      status = read_value (&reader, 0, &value);
      if (status == ADZE_OK)
        status = adze_catalog_of (json->host)->metadata (json->host, catalog, key, &value);
      free_blocks (&reader);
    }
  }
  return status == ADZE_OK ? safetensors_end (json) : status;
}

static adze_status
tell_in_order (const adze_host *host, const char *file, const safetensors_header *header,
               const safetensors_entry *values, adze_catalog *catalog, bool *told)
{
  const safetensors_entry **sorted = calloc (header->entry_count, sizeof *sorted);
  if (!sorted)
    return adze_fail (host, ADZE_E_MEMORY, "%s: no room for its metadata", file);
  for (size_t i = 0; i < header->entry_count; i++)
    sorted[i] = &header->entries[i];
  qsort (sorted, header->entry_count, sizeof *sorted, compare_pointers);
  safetensors_json json = { .host = host,
                            .file = file,
                            .where = "text " SAFETENSORS_VALUES,
                            .text = header->text + (values->value.data - header->text),
                            .size = (size_t)values->value.size,
                            .most = safetensors_entries_limit (header->limit),
                            .most_items = safetensors_items_limit (header->limit) };
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = plain ? uselocale (plain) : (locale_t)0;
  adze_status status = plain ? tell_values (&json, header, sorted, catalog, told)
                             : adze_fail (host, ADZE_E_MEMORY, "%s: no plain locale", file);
  if (plain) {
    uselocale (before);
    freelocale (plain);
  }
  free (sorted);
  return status;
}

adze_status
safetensors_tell_metadata (const adze_host *host, const char *file,
                           const safetensors_header *header, adze_catalog *catalog)
{
  adze_status status = ADZE_OK;
  const safetensors_entry *values = NULL;
  for (size_t i = 0; i < header->entry_count; i++)
    if (safetensors_text_is (header->entries[i].key, SAFETENSORS_VALUES)) {
      if (values)
        return adze_fail (host, ADZE_E_FORMAT, "%s: " SAFETENSORS_VALUES " comes twice", file);
      values = &header->entries[i];
    }
  bool *told = calloc (header->entry_count + 1, sizeof *told);
  if (!told)
    return adze_fail (host, ADZE_E_MEMORY, "%s: no room for its metadata", file);
  if (values) {
    told[values - header->entries] = true;
    status = tell_in_order (host, file, header, values, catalog, told);
  }
  for (size_t i = 0; i < header->entry_count && status == ADZE_OK; i++)
    if (!told[i])
      status = tell_text (host, &header->entries[i], catalog);
  free (told);
  return status;
}

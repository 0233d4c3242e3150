/* SPDX-License-Identifier: Apache-2.0 */
/* write_head.c: the part of a file in front of the tensors' bytes, in the order and with the gaps
 * that ggml's own writer leaves, so that a file which came from there comes out as it was. */
#include <stdlib.h>

#include "gguf.h"

/* ---- Bytes. */

void
gguf_bytes_free (gguf_bytes *bytes)
{
  free (bytes->data);
  *bytes = (gguf_bytes){ 0 };
}

static void
put (gguf_bytes *bytes, const void *data, size_t size)
{
  if (bytes->failed || size == 0)
    return;
  if (size > bytes->room - bytes->size) {
    size_t room = bytes->room ? bytes->room * 2 : 4096;
    while (room - bytes->size < size && room <= SIZE_MAX / 2)
      room *= 2;
    unsigned char *grown
        = room - bytes->size >= size ? (unsigned char *)realloc (bytes->data, room) : NULL;
    if (!grown) {
      bytes->failed = true;
      return;
    }
    bytes->data = grown;
    bytes->room = room;
  }
  memcpy (bytes->data + bytes->size, data, size);
  bytes->size += size;
}

static void
put_number (gguf_bytes *bytes, uint64_t number, size_t size)
{
  unsigned char little[8];
  for (size_t i = 0; i < size; i++)
    little[i] = (unsigned char)(number >> (8 * i));
  put (bytes, little, size);
}

static void
put_text (gguf_bytes *bytes, const char *data, uint64_t size)
{
  put_number (bytes, size, 8);
  put (bytes, data, (size_t)size);
}

/* Arrays in arrays are as deep as the host lets values be. */
static void
put_value (gguf_bytes *bytes, const adze_meta *value)
{
  if (value->type == ADZE_META_STRING)
    put_text (bytes, value->text.data, value->text.size);
  else if (value->type != ADZE_META_ARRAY)
    put_number (bytes, value->bits, adze_meta_number_size (value->type));
  else {
    put_number (bytes, value->item, 4);
    put_number (bytes, value->count, 8);
    const adze_text *texts = value->items;
    const adze_meta *values = value->items;
    size_t size = adze_meta_number_size (value->item);
    if (size)
      put (bytes, value->items, (size_t)value->count * size);
    for (uint64_t i = 0; !size && i < value->count; i++)
      if (value->item == ADZE_META_STRING)
        put_text (bytes, texts[i].data, texts[i].size);
      else
        put_value (bytes, &values[i]);
  }
}

static void
put_key (gguf_bytes *bytes, const char *key, uint64_t size, const adze_meta *value)
{
  put_text (bytes, key, size);
  put_number (bytes, value->type, 4);
  put_value (bytes, value);
}

static void
put_number_key (gguf_bytes *bytes, const char *key, uint32_t type, uint64_t bits)
{
  adze_meta value = { .type = type, .bits = bits };
  put_key (bytes, key, strlen (key), &value);
}

/* ---- Named values. */

static bool
key_is (adze_text key, const char *name)
{
  return key.size == strlen (name) && memcmp (key.data, name, key.size) == 0;
}

static adze_status
check_alignment (gguf_writer *writer, const adze_meta *value)
{
  if (value->type != ADZE_META_U32 || value->bits == 0 || (value->bits & (value->bits - 1)) != 0
      || value->bits > GGUF_ALIGNMENT_MAX)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the model's " GGUF_KEY_ALIGNMENT
                      " must be a u32, a power of two and %" PRIu32 " at most; take it out of the "
                      "metadata to have %d",
                      GGUF_ALIGNMENT_MAX, GGUF_ALIGNMENT);
  writer->alignment = (uint32_t)value->bits;
  writer->own_alignment = true;
  return ADZE_OK;
}

static bool
was_read_from_gguf (const gguf_writer *writer)
{
  const adze_cargo_service *cargo = writer->cargo_service;
  const char *source = GGUF_CARGO_HAS (cargo, source)
                           ? cargo->source (writer->host, writer->cargo)
                           : NULL;
  return source && strcmp (source, "gguf") == 0;
}

/* The model says what it is, or a parameter does; both must agree. A file without it is one that was
 * read without it, and is no worse than it was. */
static adze_status
check_architecture (const gguf_writer *writer, const char *asked, const adze_meta *own)
{
  char shown[GGUF_SHOWN];
  if (!own && !asked[0] && was_read_from_gguf (writer)) {
    adze_log (writer->host, ADZE_LOG_WARNING,
              "the file has no " GGUF_KEY_ARCHITECTURE ", as the one that it was read from; "
              "programs that want it refuse both, and the parameter architecture gives one");
    return ADZE_OK;
  }
  if (!own && !asked[0])
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the model has no " GGUF_KEY_ARCHITECTURE
                      ", without which no program knows what to do with a GGUF file; say it: "
                      "architecture = \"llama\", for example");
  if (!own)
    return ADZE_OK;
  if (own->type != ADZE_META_STRING)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the model's " GGUF_KEY_ARCHITECTURE " is no text");
  if (asked[0]
      && !(own->text.size == strlen (asked) && memcmp (own->text.data, asked, own->text.size) == 0))
    return adze_fail (writer->host, ADZE_E_PARAM,
                      "the parameter architecture says '%s', the model's " GGUF_KEY_ARCHITECTURE
                      " says '%s'; leave the parameter out",
                      asked, gguf_shown (own->text.data, own->text.size, shown));
  return ADZE_OK;
}

static adze_status
check_key (gguf_writer *writer, adze_text key, const adze_meta *value)
{
  char shown[GGUF_SHOWN];
  if (key.size == 0 || key.size > GGUF_KEY_MAX)
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "a key of the metadata has %" PRIu64 " bytes ('%s'); GGUF can hold 1 to %d",
                      key.size, gguf_shown (key.data, key.size, shown), GGUF_KEY_MAX);
  if (key_is (key, GGUF_KEY_SPLIT_NO) || key_is (key, GGUF_KEY_SPLIT_COUNT)
      || key_is (key, GGUF_KEY_SPLIT_TENSORS))
    return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                      "the metadata has the key '%s', which in GGUF says how a model was split "
                      "into files; take it out",
                      gguf_shown (key.data, key.size, shown));
  return key_is (key, GGUF_KEY_ALIGNMENT) ? check_alignment (writer, value) : ADZE_OK;
}

adze_status
gguf_check_keys (gguf_writer *writer, const char *architecture)
{
  adze_text key = { NULL, 0 };
  const adze_meta *value = NULL, *own = NULL, *file_type = NULL;
  for (size_t i = 0;; i++) {
    writer->cargo_service->metadata (writer->host, writer->cargo, i, &key, &value);
    if (!key.data) {
      writer->key_count = i;
      break;
    }
    adze_status status = check_key (writer, key, value);
    if (status != ADZE_OK)
      return status;
    if (key_is (key, GGUF_KEY_ARCHITECTURE))
      own = value;
    if (key_is (key, GGUF_KEY_FILE_TYPE))
      file_type = value;
  }
  writer->architecture = own || !architecture[0] ? NULL : architecture;
  writer->has_architecture = own || writer->architecture;
  adze_status status = check_architecture (writer, architecture, own);
  return status == ADZE_OK ? gguf_settle_file_type (writer, file_type) : status;
}

/* The first file has all values of the model, the others what they need to be found right. */
static void
put_keys (const gguf_writer *writer, uint32_t shard, gguf_bytes *head)
{
  adze_text key = { NULL, 0 };
  const adze_meta *value = NULL;
  bool split = writer->shard_count > 1;
  uint64_t count
      = shard > 0 ? writer->own_alignment : writer->key_count + (writer->architecture ? 1 : 0);
  put_number (head, count + (split ? 3 : 0), 8);
  if (shard > 0 && writer->own_alignment)
    put_number_key (head, GGUF_KEY_ALIGNMENT, ADZE_META_U32, writer->alignment);
  if (shard == 0 && writer->architecture) {
    adze_meta text = adze_meta_text (writer->architecture, strlen (writer->architecture));
    put_key (head, GGUF_KEY_ARCHITECTURE, strlen (GGUF_KEY_ARCHITECTURE), &text);
  }
  for (size_t i = 0; shard == 0 && i < writer->key_count; i++) {
    writer->cargo_service->metadata (writer->host, writer->cargo, i, &key, &value);
    bool settled = writer->new_file_type && key_is (key, GGUF_KEY_FILE_TYPE);
    put_key (head, key.data, key.size, settled ? &writer->file_type : value);
  }
  if (split) {
    put_number_key (head, GGUF_KEY_SPLIT_NO, ADZE_META_U16, shard);
    put_number_key (head, GGUF_KEY_SPLIT_COUNT, ADZE_META_U16, writer->shard_count);
    put_number_key (head, GGUF_KEY_SPLIT_TENSORS, ADZE_META_I32, writer->tensor_count);
  }
}

/* ---- Tensors. */

static adze_status
put_tensor (const gguf_writer *writer, size_t position, uint64_t *offset, gguf_bytes *head)
{
  adze_tensor_meta meta;
  uint32_t type = 0;
  adze_status status = gguf_tensor_at (writer, position, &meta);
  if (status == ADZE_OK)
    status = gguf_type_of_meta (writer->host, &meta, &type);
  if (status != ADZE_OK)
    return status;
  put_text (head, meta.name, strlen (meta.name));
  put_number (head, (uint64_t)meta.rank, 4);
  for (int32_t i = meta.rank; i-- > 0;)
    put_number (head, (uint64_t)meta.shape[i], 8);
  put_number (head, type, 4);
  put_number (head, *offset, 8);
  /* The host has checked that all of it fits into a file. */
  *offset += meta.byte_size;
  *offset += (writer->alignment - *offset % writer->alignment) % writer->alignment;
  return ADZE_OK;
}

adze_status
gguf_compose_head (const gguf_writer *writer, uint32_t shard, size_t first, size_t last,
                   gguf_bytes *head)
{
  uint64_t offset = 0;
  adze_status status = ADZE_OK;
  put (head, GGUF_MAGIC, 4);
  put_number (head, GGUF_VERSION, 4);
  put_number (head, last - first, 8);
  put_keys (writer, shard, head);
  for (size_t i = first; i < last && status == ADZE_OK; i++)
    status = put_tensor (writer, i, &offset, head);
  if (status == ADZE_OK && head->failed)
    return adze_fail (writer->host, ADZE_E_MEMORY, "no room for the head of the file");
  return status;
}

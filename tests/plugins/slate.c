/* SPDX-License-Identifier: Apache-2.0 */
/* A format for tests, whose files say in words what the plugin is to tell the host, so that a test
 * can make it tell anything. SLATE is its id and ending; with LONG_ROOM it holds f64, and
 * with BROKEN it does not start.
 *
 *   SLATE
 *   tensor NAME TYPE SHAPE OFFSET [BYTES]   SHAPE: 2x3, or - for a scalar; OFFSET: from the file's
 *   blocks NAME CODEC ELEMENTS BYTES SHAPE OFFSET                                        begin on
 *   data NAME TYPE SHAPE TEXT               the bytes themselves; - for none
 *   beside FILE NAME TYPE SHAPE OFFSET      the tensor lies in another file
 *   text KEY VALUE
 *   number KEY VALUE                        an i64
 *   list KEY VALUE...                       of i64
 *   part ID TEXT
 *   extent FIRST LAST ALIGNMENT
 *   many COUNT                              tensors of one byte at 0, t0, t1 ...: they overlap
 *   do hide                                 what the host refused is hidden from it
 *   do leak                                 memory is kept
 *   do nothing-said                         it fails without a reason
 *   end
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>
#include <adze/draft/format.h>

#ifndef SLATE
#define SLATE "slate"
#endif

static const adze_param params[] = {
  { .name = "shard", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1000]",
    .help = "tensors in a file beside the first; 0: all in one (write)" },
  { .name = "name", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "what a file beside the first is called (write)" },
  { .name = "do", .type = ADZE_PARAM_CHOICE, .preset = "well",
    .choices = "well|omit|twice|hide|fail", .help = "how it writes (write)" },
  { .name = NULL }
};

static const struct {
  const char *name;
  adze_dtype type;
} types[] = {
  { "f32", { ADZE_FLOAT, 32, 1 } },   { "f16", { ADZE_FLOAT, 16, 1 } },
  { "f64", { ADZE_FLOAT, 64, 1 } },   { "bf16", { ADZE_BFLOAT, 16, 1 } },
  { "u8", { ADZE_UINT, 8, 1 } },      { "i4", { ADZE_INT, 4, 1 } },
  { "i64", { ADZE_INT, 64, 1 } },     { "bool", { ADZE_BOOL, 8, 1 } },
  { "f7", { ADZE_FLOAT, 7, 1 } },     { "i32", { ADZE_INT, 32, 1 } },
  { "u64", { ADZE_UINT, 64, 1 } },
  { "f8_e4m3fn", { ADZE_FLOAT8_E4M3FN, 8, 1 } },
};

static adze_dtype
type_of (const char *name)
{
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp (types[i].name, name) == 0)
      return types[i].type;
  return (adze_dtype){ 0, 0, 0 };
}

static const char *
name_of (adze_dtype type)
{
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (memcmp (&types[i].type, &type, sizeof type) == 0)
      return types[i].name;
  return NULL;
}

static int
recognise (const char *name, const void *head, size_t size)
{
  (void)name;
  return size >= 6 && memcmp (head, "SLATE\n", 6) == 0 ? 2 : 0;
}

/* ---- Reading. */

typedef struct reader {
  const adze_host *host;
  adze_file *file;
  adze_catalog *catalog;
  int64_t shape[64];
  bool hide;
} reader;

static int32_t
read_shape (reader *r, char *text)
{
  int32_t rank = 0;
  char *end = text;
  if (strcmp (text, "-") == 0)
    return 0;
  do
    r->shape[rank++] = strtoll (end, &end, 10);
  while (*end++ == 'x' && rank < 64);
  return rank;
}

static adze_status
tell (reader *r, adze_found *found, char *shape)
{
  found->struct_size = sizeof *found;
  found->meta.struct_size = sizeof found->meta;
  found->meta.rank = read_shape (r, shape);
  found->meta.shape = r->shape;
  return adze_catalog_of (r->host)->tensor (r->host, r->catalog, found);
}

static adze_status
tell_tensor (reader *r, char **words)
{
  adze_found found = { .meta = { .name = words[1], .dtype = type_of (words[2]),
                                 .byte_size = strtoull (words[5], NULL, 10) },
                       .file = r->file, .offset = strtoull (words[4], NULL, 10) };
  return tell (r, &found, words[3]);
}

static adze_status
tell_blocks (reader *r, char **words)
{
  adze_found found = { .meta = { .name = words[1], .dtype = { ADZE_OPAQUE, 8, 1 },
                                 .codec = words[2],
                                 .block_elements = (uint32_t)atoi (words[3]),
                                 .block_bytes = (uint32_t)atoi (words[4]) },
                       .file = r->file, .offset = strtoull (words[6], NULL, 10) };
  return tell (r, &found, words[5]);
}

static adze_status
tell_data (reader *r, char **words)
{
  adze_found found = { .meta = { .name = words[1], .dtype = type_of (words[2]) },
                       .data = strcmp (words[4], "-") == 0 ? NULL : words[4] };
  return tell (r, &found, words[3]);
}

static adze_status
tell_beside (reader *r, char **words)
{
  adze_file *other;
  adze_status status = adze_files_of (r->host)->beside (r->host, r->file, words[1], &other);
  if (status != ADZE_OK)
    return status;
  adze_found found = { .meta = { .name = words[2], .dtype = type_of (words[3]) },
                       .file = other, .offset = strtoull (words[5], NULL, 10) };
  return tell (r, &found, words[4]);
}

static adze_status
tell_metadata (reader *r, char **words)
{
  int64_t numbers[8];
  adze_text key = { words[1], strlen (words[1]) };
  adze_meta value = adze_meta_text (words[2], strlen (words[2]));
  if (strcmp (words[0], "number") == 0)
    value = (adze_meta){ .type = ADZE_META_I64, .bits = (uint64_t)strtoll (words[2], NULL, 10) };
  if (strcmp (words[0], "list") == 0) {
    size_t count = 0;
    for (; words[2 + count][0] && count < 8; count++)
      numbers[count] = strtoll (words[2 + count], NULL, 10);
    value = (adze_meta){ .type = ADZE_META_ARRAY, .item = ADZE_META_I64, .count = count,
                         .items = numbers };
  }
  return adze_catalog_of (r->host)->metadata (r->host, r->catalog, key, &value);
}

static adze_status
tell_many (reader *r, char **words)
{
  long count = strtol (words[1], NULL, 10);
  for (long i = 0; i < count; i++) {
    char name[24];
    snprintf (name, sizeof name, "t%ld", i);
    adze_found found = { .struct_size = sizeof found,
                         .meta = { .struct_size = sizeof found.meta, .name = name,
                                   .dtype = { ADZE_UINT, 8, 1 } },
                         .file = r->file, .offset = 0 };
    adze_status status = adze_catalog_of (r->host)->tensor (r->host, r->catalog, &found);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

static adze_status
follow (reader *r, char **words)
{
  const adze_catalog_service *catalog = adze_catalog_of (r->host);
  if (strcmp (words[0], "tensor") == 0)
    return tell_tensor (r, words);
  if (strcmp (words[0], "blocks") == 0)
    return tell_blocks (r, words);
  if (strcmp (words[0], "data") == 0)
    return tell_data (r, words);
  if (strcmp (words[0], "beside") == 0)
    return tell_beside (r, words);
  if (strcmp (words[0], "many") == 0)
    return tell_many (r, words);
  if (strcmp (words[0], "part") == 0)
    return catalog->part (r->host, r->catalog, words[1], words[2], strlen (words[2]));
  if (strcmp (words[0], "extent") == 0)
    return catalog->extent (r->host, r->catalog, r->file, strtoull (words[1], NULL, 10),
                            strtoull (words[2], NULL, 10), strtoull (words[3], NULL, 10));
  if (strcmp (words[0], "do") == 0) {
    r->hide = r->hide || strcmp (words[1], "hide") == 0;
    if (strcmp (words[1], "leak") == 0)
      return r->host->allocate (r->host, 1000) ? ADZE_OK : ADZE_E_MEMORY;
    return strcmp (words[1], "nothing-said") == 0 ? ADZE_E_FORMAT : ADZE_OK;
  }
  return tell_metadata (r, words);
}

static adze_status
read_lines (reader *r, char *text)
{
  for (char *line = strtok_r (text, "\n", &text); line; line = strtok_r (NULL, "\n", &text)) {
    char *words[16], *rest = line;
    for (size_t i = 0; i < 16; i++)
      words[i] = strtok_r (i ? NULL : line, " ", &rest);
    for (size_t i = 0; i < 16; i++)
      words[i] = words[i] ? words[i] : "";
    if (strcmp (words[0], "end") == 0)
      return ADZE_OK;
    adze_status status = strcmp (words[0], "SLATE") == 0 ? ADZE_OK : follow (r, words);
    if (status != ADZE_OK && !r->hide)
      return status;
  }
  return adze_fail (r->host, ADZE_E_FORMAT, "there is no 'end'");
}

static adze_status
read_file (const adze_host *host, const adze_params *given, adze_file *file, adze_catalog *catalog)
{
  (void)given;
  reader r = { .host = host, .file = file, .catalog = catalog };
  uint64_t size = adze_file_size (host, file), limit = adze_catalog_of (host)->limit (host, catalog);
  size_t head = (size_t)(size < 65536 ? size : 65536);
  head = limit < head ? (size_t)limit : head;
  char *text = malloc (head + 1);
  if (!text)
    return adze_fail (host, ADZE_E_MEMORY, "out of memory");
  adze_status status = adze_file_read_at (host, file, 0, text, head);
  text[head] = '\0';
  if (status == ADZE_OK)
    status = read_lines (&r, text);
  free (text);
  return status;
}

/* ---- Writing. */

static adze_status
carries (const adze_host *host, const adze_params *given, const adze_tensor_meta *meta)
{
  (void)given;
#ifdef LONG_ROOM
  return ADZE_OK;
#endif
  if (meta->codec || strcmp (name_of (meta->dtype) ? name_of (meta->dtype) : "f64", "f64") != 0)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "a slate has no room for numbers that long");
}

typedef struct writer {
  const adze_host *host;
  const adze_cargo *cargo;
  adze_layout *layout;
  char text[65536];
  size_t used;
} writer;

__attribute__ ((format (printf, 2, 3))) static void
add (writer *w, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  int size = vsnprintf (w->text + w->used, sizeof w->text - w->used, format, arguments);
  va_end (arguments);
  w->used += (size_t)size;
}

static void
add_shape (writer *w, const adze_tensor_meta *meta)
{
  for (int32_t i = 0; i < meta->rank; i++)
    add (w, "%s%" PRId64, i ? "x" : "", meta->shape[i]);
  add (w, "%s", meta->rank ? "" : "-");
}

static void
add_metadata (writer *w)
{
  const adze_cargo_service *service = adze_cargo_of (w->host);
  for (size_t i = 0;; i++) {
    adze_text key;
    const adze_meta *value;
    service->metadata (w->host, w->cargo, i, &key, &value);
    if (!key.data)
      return;
    if (value->type == ADZE_META_STRING) {
      add (w, "text %s ", key.data);
      for (uint64_t j = 0; j < value->text.size; j++)
        if (value->text.data[j] != ' ')
          add (w, "%c", value->text.data[j]);
      add (w, "\n");
    } else if (value->type == ADZE_META_I64) {
      add (w, "number %s %" PRId64 "\n", key.data, (int64_t)value->bits);
    }
  }
}

/* Offsets have a fixed width, so that the head is as long before they are known as after. */
static void
compose (writer *w, size_t shard, uint64_t head, const char *name)
{
  const adze_cargo_service *service = adze_cargo_of (w->host);
  uint64_t at[2] = { head, 0 };
  w->used = 0;
  add (w, "SLATE\n");
  for (size_t i = 0; i < service->count (w->host, w->cargo); i++) {
    adze_tensor_meta meta;
    service->tensor (w->host, w->cargo, i, &meta);
    bool other = shard > 0 && i >= shard;
    uint64_t offset = (at[other] + 7) / 8 * 8;
    if (meta.codec)
      add (w, "blocks %s %s %u %u ", meta.name, meta.codec, meta.block_elements, meta.block_bytes);
    else if (other)
      add (w, "beside %s %s %s ", name, meta.name, name_of (meta.dtype));
    else
      add (w, "tensor %s %s ", meta.name, name_of (meta.dtype));
    add_shape (w, &meta);
    add (w, " %08" PRIu64 "\n", offset);
    at[other] = offset + meta.byte_size;
  }
  add_metadata (w);
  add (w, "end\n");
}

static adze_status
place (writer *w, size_t shard, const char *name, const char *how)
{
  const adze_cargo_service *cargo = adze_cargo_of (w->host);
  const adze_layout_service *layout = adze_layout_of (w->host);
  size_t count = cargo->count (w->host, w->cargo);
  uint32_t other = 0;
  adze_status status = layout->bytes (w->host, w->layout, 0, w->text, w->used);
  if (status == ADZE_OK && shard > 0 && shard < count)
    status = layout->file (w->host, w->layout, name, &other);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    uint32_t file = shard > 0 && i >= shard ? other : 0;
    if (strcmp (how, "omit") == 0 && i == 0)
      continue;
    status = layout->align (w->host, w->layout, file, 8);
    if (status == ADZE_OK)
      status = layout->tensor (w->host, w->layout, file, i);
    if (status == ADZE_OK && strcmp (how, "twice") == 0)
      status = layout->tensor (w->host, w->layout, file, i);
  }
  return strcmp (how, "hide") == 0 ? ADZE_OK : status;
}

static adze_status
write_file (const adze_host *host, const adze_params *given, const adze_cargo *cargo,
            adze_layout *layout)
{
  size_t shard = (size_t)adze_param_int (host, given, "shard");
  const char *how = adze_param_string (host, given, "do");
  char name[128];
  snprintf (name, sizeof name, "%s-2", adze_cargo_of (host)->file_name (host, cargo));
  if (adze_param_string (host, given, "name")[0])
    snprintf (name, sizeof name, "%s", adze_param_string (host, given, "name"));
  if (strcmp (how, "fail") == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "the slate is full");
  writer *w = calloc (1, sizeof *w);
  if (!w)
    return adze_fail (host, ADZE_E_MEMORY, "out of memory");
  w->host = host;
  w->cargo = cargo;
  w->layout = layout;
  compose (w, shard, 0, name);
  compose (w, shard, w->used, name);
  adze_status status = place (w, shard, name, how);
  free (w);
  return status;
}

static const adze_format format = {
  .struct_size = sizeof format,
  .extensions = SLATE "|tablet",
  .recognise = recognise,
  .read = read_file,
  .carries = carries,
  .write = write_file,
};

static const adze_component slate = {
  .struct_size = sizeof slate,
  .kind_revision = ADZE_FORMAT_REVISION,
  .kind = ADZE_FORMAT,
  .id = SLATE,
  .summary = "Says in words what it is to tell",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &format,
};

static const adze_component *const components[] = { &slate, NULL };

#ifdef BROKEN
static adze_status
init (const adze_host *host)
{
  return adze_fail (host, ADZE_E_UNSUPPORTED, "it does not start");
}
#endif

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = SLATE,
  .version = "1.0.0",
  .summary = "For tests",
  .license = "Apache-2.0",
  .components = components,
#ifdef BROKEN
  .init = init,
#endif
};

ADZE_PLUGIN_REGISTER (slate, plugin);

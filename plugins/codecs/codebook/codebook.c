/* SPDX-License-Identifier: Apache-2.0 */
/* codebook: tensors of few different values, such as cluster leaves: the values once, and for each number the
 * place of its own among them. All numbers come back as they were. */
#include "codebook.h"

static const adze_param params[] = {
  { .name = "bits", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 8]", .unit = "bits",
    .help = "of a code, so that a book has two to this power of values at most; 0: as few as the tensor's "
            "values need" },
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "tensor", .choices = "tensor|channel",
    .help = "what has a book of its own: the tensor, or each channel (its first dimension)" },
  { .name = NULL }
};

/* How many there are is told exactly up to this number, where it is not one of thousands of books. */
enum { TOLD_APART = 4096 };

codebook_way
codebook_way_of (const adze_host *host, const adze_params *values)
{
  codebook_way way = { .bits = (uint32_t)adze_param_int (host, values, "bits") };
  way.channels = strcmp (adze_param_string (host, values, "per"), "channel") == 0;
  way.most = UINT32_C (1) << (way.bits > 0 ? way.bits : CODEBOOK_BITS_MOST);
  way.room = way.channels ? way.most : TOLD_APART;
  return way;
}

uint32_t
codebook_bits_for (uint64_t count)
{
  uint32_t bits = 1;
  while (UINT64_C (1) << bits < count)
    bits++;
  return bits;
}

uint32_t
codebook_bits_of (const codebook_way *way, const adze_coded *coded)
{
  uint32_t bits = way->bits > 0 ? way->bits : codebook_bits_for (codebook_width (coded));
  return bits < CODEBOOK_BITS_MOST ? bits : CODEBOOK_BITS_MOST;
}

/* ---- describe. */

/* Rows are channels. */
static void
cut (const adze_tensor_meta *meta, adze_coded *coded)
{
  coded->row_rank = meta->rank > 1 ? 1 : 0;
}

static uint64_t
book_count (const codebook_way *way, const adze_tensor_meta *meta)
{
  return way->channels && meta->rank > 1 ? (uint64_t)meta->shape[0] : 1;
}

static uint64_t
book_numbers (const codebook_way *way, const adze_tensor_meta *meta)
{
  uint64_t numbers = 1;
  for (int32_t i = way->channels && meta->rank > 1 ? 1 : 0; i < meta->rank; i++)
    numbers *= (uint64_t)meta->shape[i];
  return numbers;
}

static adze_status
too_many (const adze_host *host, const codebook_way *way, const adze_tensor_meta *meta, uint64_t book,
          uint32_t count)
{
  char where[48] = "";
  bool more = count > way->room;
  if (way->channels && meta->rank > 1)
    snprintf (where, sizeof where, " in channel %llu", (unsigned long long)book);
  return adze_fail (host, ADZE_E_LIMIT,
                    "'%s' has %s%u different values%s, and a book of %u bits has room for %u; cluster it "
                    "first, %sor leave it as it is by a rule with skip = true",
                    meta->name, more ? "more than " : "", more ? way->room : count, where,
                    codebook_bits_for (way->most), way->most,
                    way->most < CODEBOOK_MOST ? "give it more bits, " : "");
}

/* Values of the largest book: what was seen, or the most that there can be. */
static adze_status
widest (const adze_host *host, const codebook_way *way, const adze_tensor_meta *meta, const void *found,
        uint32_t *width)
{
  uint64_t numbers = book_numbers (way, meta);
  *width = found || numbers == 0 ? 1 : numbers < way->most ? (uint32_t)numbers : way->most;
  for (uint64_t i = 0; found && i < book_count (way, meta); i++) {
    uint32_t count = codebook_seen_at (way, found, i)->count;
    if (count > way->most)
      return too_many (host, way, meta, i, count);
    *width = count > *width ? count : *width;
  }
  return ADZE_OK;
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *values,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const codebook_way way = codebook_way_of (host, values);
  adze_plane *codes = &coded->planes[CODEBOOK_CODES], *book = &coded->planes[CODEBOOK_BOOK];
  uint32_t width;
  (void)own;
  adze_status status = widest (host, &way, meta, found, &width);
  if (status != ADZE_OK)
    return status;
  cut (meta, coded);
  coded->plane_count = 2;
  coded->keeps_values = 1 << CODEBOOK_BOOK;
  codes->dtype = (adze_dtype){ ADZE_UINT, 8, 1 };
  strcpy (book->suffix, ".book");
  book->dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  codes->by_rows = 1;
  book->by_rows = way.channels;
  if (meta->rank > 1)
    codes->shape[codes->rank++] = meta->shape[0];
  if (meta->rank > 1 && way.channels)
    book->shape[book->rank++] = meta->shape[0];
  book->shape[book->rank++] = width;
  codes->shape[codes->rank++] = (int64_t)adze_codes_bytes (codebook_bits_of (&way, coded),
                                                           adze_coded_columns (coded, meta));
  return ADZE_OK;
}

/* ---- Which values there are. */

static size_t
accumulator (const adze_host *host, const void *own, const adze_params *values,
             const adze_tensor_meta *meta)
{
  const codebook_way way = codebook_way_of (host, values);
  (void)own;
  return sizeof (codebook_head) + codebook_seen_size (&way) * (size_t)book_count (&way, meta);
}

static adze_status
observe (const adze_host *host, const void *own, const adze_params *values,
         const adze_tensor_meta *meta, const float *numbers, uint64_t first, uint64_t count,
         void *accumulated)
{
  const codebook_way way = codebook_way_of (host, values);
  uint64_t each = book_numbers (&way, meta), last = first + count;
  (void)own;
  ((codebook_head *)accumulated)->books = book_count (&way, meta);
  while (first < last) {
    uint64_t book = first / each, end = (book + 1) * each < last ? (book + 1) * each : last;
    codebook_see (&way, codebook_seen_at (&way, accumulated, book), numbers, end - first);
    numbers += end - first;
    first = end;
  }
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, const void *own, const adze_params *values, void *left,
       const void *right)
{
  const codebook_way way = codebook_way_of (host, values);
  const codebook_head *from = (const codebook_head *)right;
  (void)own;
  for (uint64_t i = 0; i < from->books; i++)
    codebook_see_both (&way, codebook_seen_at (&way, left, i), codebook_seen_at (&way, right, i));
  if (from->books > 0)
    ((codebook_head *)left)->books = from->books;
  return ADZE_OK;
}

/* ---- Codes. */

/* What the rows of a call are worked on with. */
typedef struct bench {
  const adze_host *host;
  const adze_coding *coding;
  codebook_way way;
  uint32_t bits, width; /* of a code; of a book */
  uint8_t *codes;       /* of a row, one byte each */
  codebook_places places;
} bench;

/* Planes that come from a file have the sizes that it gives them. */
static adze_status
check_planes (const adze_host *host, const bench *b)
{
  const adze_coding *coding = b->coding;
  uint64_t needed = adze_codes_bytes (b->bits, coding->columns);
  uint64_t bytes = adze_plane_row_bytes (coding->coded, CODEBOOK_CODES, coding->meta);
  if (bytes == needed)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT,
                    "'%s' has %llu bytes of codes in a row, and %llu codes of %u bits, as its book of %u "
                    "values needs them, take %llu",
                    coding->meta->name, (unsigned long long)bytes, (unsigned long long)coding->columns,
                    b->bits, b->width, (unsigned long long)needed);
}

static adze_status
open_bench (const adze_host *host, const adze_params *values, const adze_coding *coding, bench **made)
{
  bench *b = (bench *)host->allocate (host, sizeof *b + coding->columns);
  if (!b)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'",
                      coding->meta->name);
  b->host = host;
  b->coding = coding;
  b->way = codebook_way_of (host, values);
  b->bits = codebook_bits_of (&b->way, coding->coded);
  b->width = codebook_width (coding->coded);
  b->codes = (uint8_t *)(b + 1);
  adze_status status = check_planes (host, b);
  if (status == ADZE_OK)
    *made = b;
  else
    host->release (host, b);
  return status;
}

/* That of row ROW of the call, counted from its first one, or of the whole tensor. */
static float *
book_at (const bench *b, uint64_t row)
{
  return (float *)b->coding->planes[CODEBOOK_BOOK] + (b->way.channels ? row * b->width : 0);
}

static uint8_t *
codes_at (const bench *b, uint64_t row)
{
  return (uint8_t *)b->coding->planes[CODEBOOK_CODES]
         + row * adze_plane_row_bytes (b->coding->coded, CODEBOOK_CODES, b->coding->meta);
}

/* Makes the book of a channel, or that of the tensor, which is written with its first rows. */
static void
take_book (bench *b, uint64_t row)
{
  float book[CODEBOOK_MOST];
  uint64_t number = b->way.channels ? b->coding->first_row + row : 0;
  const codebook_seen *seen = codebook_seen_at (&b->way, b->coding->found, number);
  codebook_book (seen, b->width, book);
  codebook_index (&b->places, book, seen->count < b->width ? seen->count : b->width);
  if (b->way.channels || b->coding->first_row == 0)
    memcpy (book_at (b, row), book, b->width * sizeof *book);
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  bench *b;
  (void)own;
  adze_status status = open_bench (host, values, coding, &b);
  if (status != ADZE_OK)
    return status;
  for (uint64_t row = 0; status == ADZE_OK && row < coding->row_count; row++) {
    if (row == 0 || b->way.channels)
      take_book (b, row);
    if (codebook_find (&b->places, coding->values + row * coding->columns, coding->columns, b->codes))
      codebook_pack (b->bits, b->codes, coding->columns, codes_at (b, row));
    else
      status = adze_fail (host, ADZE_E_CONTRACT,
                          "row %llu of '%s' has a value that was not there when it was looked at",
                          (unsigned long long)(coding->first_row + row), coding->meta->name);
  }
  host->release (host, b);
  return status;
}

/* A file may have any code. */
static bool
decode_row (const bench *b, uint64_t row)
{
  const float *book = book_at (b, row);
  float *values = b->coding->values + row * b->coding->columns;
  uint8_t most = 0;
  codebook_unpack (b->bits, codes_at (b, row), b->coding->columns, b->codes);
  for (uint64_t i = 0; i < b->coding->columns; i++)
    most = b->codes[i] > most ? b->codes[i] : most;
  if (most >= b->width)
    return false;
  for (uint64_t i = 0; i < b->coding->columns; i++)
    values[i] = book[b->codes[i]];
  return true;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  bench *b;
  (void)own;
  adze_status status = open_bench (host, values, coding, &b);
  if (status != ADZE_OK)
    return status;
  for (uint64_t row = 0; status == ADZE_OK && row < coding->row_count; row++)
    if (!decode_row (b, row))
      status = adze_fail (host, ADZE_E_FORMAT,
                          "row %llu of '%s' has a code that is none of its book's %u: the file is damaged",
                          (unsigned long long)(coding->first_row + row), coding->meta->name, b->width);
  host->release (host, b);
  return status;
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *values,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  const codebook_way way = codebook_way_of (host, values);
  (void)own;
  return codebook_graph (host, &way, meta, coded, into, planes, value);
}

static const adze_codec callbacks = {
  .struct_size = sizeof callbacks,
  .revision = 1,
  .describe = describe,
  .accumulator = accumulator,
  .observe = observe,
  .merge = merge,
  .encode = encode,
  .decode = decode,
  .graph = graph,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_CODEC_REVISION,
  .kind = ADZE_CODEC,
  .id = "codebook",
  .summary = "Places in a book of the tensor's few values",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "codebook",
  .version = "0.1.0",
  .summary = "Tensors of few different values",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (codebook, plugin);

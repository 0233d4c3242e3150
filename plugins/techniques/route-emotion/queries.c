/* SPDX-License-Identifier: Apache-2.0 */
/* queries.c: the table of queries. What a text says is read once, however often it is asked; conversations are told
 * apart by their names. */
#include "route.h"

enum { AT_ONCE = 512 };

/* ---- Which cells are the same. */

static uint64_t
hash_of (adze_text text)
{
  uint64_t hash = text.size;
  for (size_t i = 0; i < text.size; i++)
    hash = adze_ngrams_mix (hash, (unsigned char)text.data[i]);
  return hash;
}

/* FIRST[I] becomes the first row that has the same in COLUMN as row I. */
static adze_status
find_first (const route_run *r, size_t column, size_t *first)
{
  size_t room = 64;
  while (room < 2 * r->query_count)
    room *= 2;
  size_t *slots = (size_t *)r->host->allocate (r->host, room * sizeof *slots); /* rows, and 1 */
  if (!slots)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu queries", r->query_count);
  for (size_t i = 0; i < r->query_count; i++) {
    const adze_text text = r->tables->cell (r->query_table, i, column);
    size_t at = (size_t)hash_of (text) & (room - 1);
    first[i] = i;
    for (; slots[at]; at = (at + 1) & (room - 1)) {
      const adze_text other = r->tables->cell (r->query_table, slots[at] - 1, column);
      if (other.size == text.size && memcmp (other.data, text.data, (size_t)text.size) == 0) {
        first[i] = slots[at] - 1;
        break;
      }
    }
    slots[at] = first[i] + 1;
  }
  r->host->release (r->host, slots);
  return ADZE_OK;
}

/* A query without a conversation stands for itself. */
static adze_status
link_conversations (route_run *r)
{
  size_t *last = (size_t *)r->host->allocate (r->host, r->query_count * sizeof *last);
  adze_status status = last ? find_first (r, r->conversation_column, r->before)
                            : adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu queries", r->query_count);
  for (size_t i = 0; status == ADZE_OK && i < r->query_count; i++) {
    const size_t own = r->before[i];
    const bool named = r->tables->cell (r->query_table, i, r->conversation_column).size > 0;
    r->before[i] = own < i && named ? last[own] : SIZE_MAX;
    last[own] = i;
  }
  r->host->release (r->host, last);
  return status;
}

/* ---- What each text says. */

typedef struct text_reader {
  route_feeler feeler;
  adze_ngrams ngrams;
} text_reader;

static adze_status
read_one (const route_run *r, text_reader *reader, size_t number)
{
  const adze_text text = r->tables->cell (r->query_table, r->fresh[number], r->text_column);
  adze_status status = route_feel (r, &reader->feeler, text, &r->readings[number]);
  if (status == ADZE_OK)
    status = adze_ngrams_read (r->host, &reader->ngrams, text.data, (size_t)text.size);
  if (status == ADZE_OK)
    route_relevance (r, &reader->ngrams, r->relevance + number * r->domain_count);
  return status;
}

static adze_status
read_some (void *argument, size_t first, size_t last)
{
  const route_run *r = (const route_run *)argument;
  text_reader reader;
  memset (&reader, 0, sizeof reader);
  adze_status status = route_feeler_open (r, &reader.feeler);
  if (status == ADZE_OK)
    status = adze_ngrams_open (r->host, &r->index.settings, &reader.ngrams);
  for (size_t i = first; status == ADZE_OK && i < last; i++)
    status = read_one (r, &reader, i);
  route_feeler_close (r, &reader.feeler);
  adze_ngrams_close (r->host, &reader.ngrams);
  return status;
}

static adze_status
read_texts (route_run *r)
{
  for (size_t i = 0; i < r->query_count; i++) {
    if (r->first[i] == i)
      r->fresh[r->fresh_count++] = i;
    r->row_of[i] = r->first[i] == i ? r->fresh_count - 1 : r->row_of[r->first[i]];
  }
  r->readings = (route_reading *)r->host->allocate (r->host, r->fresh_count * sizeof *r->readings);
  r->relevance = (float *)r->host->allocate (r->host, r->fresh_count * r->domain_count * sizeof *r->relevance);
  if (!r->readings || !r->relevance)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for what %zu queries say to %zu domains", r->fresh_count,
                      r->domain_count);
  return adze_parallel_for (r->host, r->fresh_count, AT_ONCE, read_some, r);
}

/* ---- The table. */

/* How many bytes the blank at the beginning of a text has; 0: there is none. */
static size_t
blank_size (const char *text)
{
  /* Next line, no-break, of Ogham, ends of lines and paragraphs, narrow, of formulas, joiner of words, ideographic, mark of the byte
   * order; and those of all widths, and of none, from U+2000 on. */
  static const char *const others[]
      = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
          "\xe2\x81\x9f", "\xe2\x81\xa0", "\xe3\x80\x80", "\xef\xbb\xbf", NULL };
  if ((unsigned char)*text <= ' ')
    return 1;
  if (strncmp (text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x80 && (unsigned char)text[2] <= 0x8d)
    return 3;
  for (const char *const *blank = others; *blank; blank++)
    if (strncmp (text, *blank, strlen (*blank)) == 0)
      return strlen (*blank);
  return 0;
}

static adze_status
check_texts (const route_run *r)
{
  for (size_t i = 0; i < r->query_count; i++) {
    const adze_text text = r->tables->cell (r->query_table, i, r->text_column);
    size_t at = 0, blank;
    while (at < text.size && (blank = blank_size (text.data + at)) > 0)
      at += blank;
    if (at >= text.size)
      return adze_fail (r->host, ADZE_E_FORMAT, "its port 'queries', line %zu: the query is empty",
                        r->tables->line (r->query_table, i));
    if (text.size > ROUTE_QUERY_BYTES)
      return adze_fail (r->host, ADZE_E_LIMIT, "its port 'queries', line %zu: the query has %llu bytes; at most %d are read",
                        r->tables->line (r->query_table, i), (unsigned long long)text.size, ROUTE_QUERY_BYTES);
  }
  return ADZE_OK;
}

static adze_status
open_table (route_run *r)
{
  const void *bytes;
  size_t size;
  adze_status status = r->run->bytes (r->host, r->run->input (r->host, r->context, "queries"), &bytes, &size);
  if (status == ADZE_OK)
    status = r->tables->read (r->host, "its port 'queries'", bytes, size, &r->query_table);
  if (status != ADZE_OK)
    return status;
  r->query_count = r->tables->rows (r->query_table);
  r->text_column = adze_table_find (r->host, r->query_table, "text");
  r->conversation_column = adze_table_find (r->host, r->query_table, "conversation");
  if (r->text_column == SIZE_MAX)
    return adze_fail (r->host, ADZE_E_FORMAT, "its port 'queries' has no column 'text'; needed is that, and known beside "
                      "it 'conversation'");
  if (r->query_count == 0)
    return adze_fail (r->host, ADZE_E_FORMAT, "its port 'queries' has no rows: nothing is asked");
  if (r->conversation_column == SIZE_MAX && adze_param_is_given (r->host, r->params, "history"))
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter 'history' is given, and its port 'queries' has no column 'conversation'; leave it out");
  return check_texts (r);
}

adze_status
route_read_queries (route_run *r)
{
  adze_status status = open_table (r);
  if (status != ADZE_OK)
    return status;
  const size_t size = r->query_count * sizeof (size_t);
  r->first = (size_t *)r->host->allocate (r->host, size);
  r->before = (size_t *)r->host->allocate (r->host, size);
  r->fresh = (size_t *)r->host->allocate (r->host, size);
  r->row_of = (size_t *)r->host->allocate (r->host, size);
  if (!r->first || !r->before || !r->fresh || !r->row_of)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu queries", r->query_count);
  status = find_first (r, r->text_column, r->first);
  for (size_t i = 0; i < r->query_count; i++)
    r->before[i] = SIZE_MAX;
  if (status == ADZE_OK && r->conversation_column != SIZE_MAX)
    status = link_conversations (r);
  return status == ADZE_OK ? read_texts (r) : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* relevance.c: which domain's texts a query is like: the cosine of what both have, weighted by how few domains have it. */
#include "route.h"

#include <math.h>

/* Words, pairs of them, and pieces, so that "invoices" is like "invoice". */
static const adze_ngrams_settings settings = { .buckets = 1 << 16, .words = 2, .least = 4, .most = 5 };

typedef struct builder {
  adze_ngrams ngrams;
  adze_bytes text;
  uint32_t *counts; /* domains that have a bucket */
  size_t *at;       /* where its next posting goes */
} builder;

static adze_status
read_domain (const route_run *r, builder *b, size_t number)
{
  const adze_table *table = r->domain_table;
  static const char *const texts[] = { "name", "description", "keywords", "examples" };
  adze_status status = ADZE_OK;
  b->text.size = 0;
  for (int i = 0; status == ADZE_OK && i < 4; i++) {
    const size_t column = adze_table_find (r->host, table, texts[i]);
    if (column == SIZE_MAX)
      continue;
    const adze_text cell = r->tables->cell (table, number, column);
    status = adze_bytes_add (r->host, &b->text, cell.data, (size_t)cell.size);
    if (status == ADZE_OK)
      status = adze_bytes_add (r->host, &b->text, "\n", 1);
  }
  return status == ADZE_OK ? adze_ngrams_read (r->host, &b->ngrams, b->text.data, b->text.size) : status;
}

/* What an n-gram weighs in a text; the length of the whole is not seen to. */
static float
value_of (const route_index *index, const adze_ngram *item)
{
  return adze_emotion_value (index->idf[item->bucket], item->count);
}

static adze_status
count (route_run *r, builder *b, size_t *all)
{
  adze_status status = ADZE_OK;
  *all = 0;
  for (size_t d = 0; status == ADZE_OK && d < r->domain_count; d++) {
    status = read_domain (r, b, d);
    for (size_t i = 0; status == ADZE_OK && i < b->ngrams.count; i++)
      b->counts[b->ngrams.items[i].bucket]++;
    *all += b->ngrams.count;
  }
  return status;
}

static adze_status
post (route_run *r, builder *b)
{
  route_index *index = &r->index;
  adze_status status = ADZE_OK;
  for (uint32_t d = 0; status == ADZE_OK && d < r->domain_count; d++) {
    double length = 0;
    status = read_domain (r, b, d);
    for (size_t i = 0; i < b->ngrams.count; i++)
      length += pow (value_of (index, &b->ngrams.items[i]), 2);
    for (size_t i = 0; status == ADZE_OK && i < b->ngrams.count; i++) {
      const adze_ngram *item = &b->ngrams.items[i];
      index->postings[b->at[item->bucket]++] = (route_posting){ d, value_of (index, item) / (float)sqrt (length) };
    }
  }
  return status;
}

static adze_status
build (route_run *r, builder *b)
{
  const adze_host *host = r->host;
  route_index *index = &r->index;
  size_t all = 0, at = 0;
  adze_status status = count (r, b, &all);
  if (status != ADZE_OK)
    return status;
  index->postings = (route_posting *)host->allocate (host, (all + 1) * sizeof *index->postings);
  if (!index->postings)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what domains are about");
  for (size_t k = 0; k < settings.buckets; k++) {
    index->starts[k] = b->at[k] = at;
    at += b->counts[k];
    index->idf[k] = b->counts[k] > 0 ? (float)log ((1 + (double)r->domain_count) / b->counts[k]) : 0;
  }
  index->starts[settings.buckets] = at;
  return post (r, b);
}

adze_status
route_index_open (route_run *r)
{
  const adze_host *host = r->host;
  const size_t buckets = settings.buckets;
  builder b = { .counts = NULL };
  r->index.settings = settings;
  r->index.idf = (float *)host->allocate (host, buckets * sizeof *r->index.idf);
  r->index.starts = (size_t *)host->allocate (host, (buckets + 1) * sizeof *r->index.starts);
  b.counts = (uint32_t *)host->allocate (host, buckets * sizeof *b.counts);
  b.at = (size_t *)host->allocate (host, buckets * sizeof *b.at);
  adze_status status = r->index.idf && r->index.starts && b.counts && b.at
                           ? adze_ngrams_open (host, &settings, &b.ngrams)
                           : adze_fail (host, ADZE_E_MEMORY, "no room for what domains are about");
  if (status == ADZE_OK)
    status = build (r, &b);
  adze_ngrams_close (host, &b.ngrams);
  adze_bytes_release (host, &b.text);
  host->release (host, b.counts);
  host->release (host, b.at);
  return status;
}

void
route_index_close (route_run *r)
{
  r->host->release (r->host, r->index.idf);
  r->host->release (r->host, r->index.starts);
  r->host->release (r->host, r->index.postings);
}

/* What no domain has plays no part. */
void
route_relevance (const route_run *r, const adze_ngrams *ngrams, float *relevance)
{
  const route_index *index = &r->index;
  double length = 0;
  memset (relevance, 0, r->domain_count * sizeof *relevance);
  for (size_t i = 0; i < ngrams->count; i++) {
    const adze_ngram *item = &ngrams->items[i];
    if (index->idf[item->bucket] <= 0)
      continue;
    const float value = value_of (index, item);
    length += (double)value * value;
    for (size_t k = index->starts[item->bucket]; k < index->starts[item->bucket + 1]; k++)
      relevance[index->postings[k].domain] += value * index->postings[k].weight;
  }
  const float unit = length > 0 ? (float)(1 / sqrt (length)) : 0;
  for (size_t d = 0; d < r->domain_count; d++) {
    relevance[d] *= unit;
    relevance[d] = relevance[d] > 1 ? 1 : relevance[d];
  }
}

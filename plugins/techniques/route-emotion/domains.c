/* SPDX-License-Identifier: Apache-2.0 */
/* domains.c: the table of domains: names, texts, profiles, speed, quality. */
#include "route.h"

#include <math.h>

enum { SHOWN = 60 };

static const char *const columns[] = { "name", "description", "keywords", "examples", "profile", "latency", "quality" };
enum { NAME, DESCRIPTION, KEYWORDS, EXAMPLES, PROFILE, LATENCY, QUALITY, COLUMNS };

static adze_status
find_columns (const route_run *r, size_t places[COLUMNS])
{
  for (int c = 0; c < COLUMNS; c++) {
    const bool needed = c == NAME || c == LATENCY || c == QUALITY;
    places[c] = adze_table_find (r->host, r->domain_table, columns[c]);
    if (places[c] == SIZE_MAX && needed)
      return adze_fail (r->host, ADZE_E_FORMAT,
                        "its port 'domains' has no column '%s'; needed are name, latency and quality, and known beside "
                        "them description, keywords, examples and profile",
                        columns[c]);
  }
  if (places[DESCRIPTION] == SIZE_MAX && places[KEYWORDS] == SIZE_MAX && places[EXAMPLES] == SIZE_MAX)
    return adze_fail (r->host, ADZE_E_FORMAT,
                      "its port 'domains' has none of the columns description, keywords and examples, so that nothing "
                      "is known of what a domain is about");
  return ADZE_OK;
}

static adze_status
bad_cell (const route_run *r, size_t row, int column, adze_text cell, const char *needed)
{
  const int shown = route_shown (cell.data, SHOWN);
  return adze_fail (r->host, ADZE_E_FORMAT, "its port 'domains', line %zu: the column '%s' has '%.*s'; needed is %s",
                    r->tables->line (r->domain_table, row), columns[column],
                    cell.size < (uint64_t)shown ? (int)cell.size : shown, cell.data, needed);
}

/* "joy=0.8; trust: 1": pairs, whatever stands between them. */
static adze_status
read_profile (const route_run *r, size_t row, adze_text cell, double profile[ADZE_EMOTIONS])
{
  static const char between[] = " ,;|", joins[] = "=:";
  const char *at = cell.data, *end = cell.data + cell.size;
  bool seen[ADZE_EMOTIONS] = { false };
  while (at < end) {
    const char *word = at;
    size_t joined = 0;
    while (at < end && !strchr (between, *at) && !strchr (joins, *at))
      at++;
    const uint32_t emotion = adze_emotion_find (word, (size_t)(at - word));
    if (at == word && at < end && strchr (between, *at)) {
      at++;
      continue;
    }
    if (emotion == ADZE_EMOTIONS)
      return bad_cell (r, row, PROFILE, (adze_text){ word, (uint64_t)(end - word) },
                       "one of joy, trust, fear, surprise, sadness, disgust, anger and anticipation, '=' and a number");
    while (at < end && strchr ("=: ", *at))
      joined += *at++ != ' ';
    if (joined > 1 || seen[emotion])
      return bad_cell (r, row, PROFILE, (adze_text){ word, (uint64_t)(end - word) },
                       joined > 1 ? "one '=' between an emotion and its number" : "each emotion once");
    seen[emotion] = true;
    char number[32];
    size_t size = 0;
    while (at < end && !strchr (between, *at) && size + 1 < sizeof number)
      number[size++] = *at++;
    number[size] = '\0';
    if (!adze_table_number ((adze_text){ number, size }, &profile[emotion]) || profile[emotion] < 0
        || profile[emotion] > 1)
      return bad_cell (r, row, PROFILE, (adze_text){ word, (uint64_t)(at - word) }, "a number from 0 to 1 behind it");
  }
  return ADZE_OK;
}

static const char *
text_of (const route_run *r, size_t row, size_t column)
{
  return column == SIZE_MAX ? "" : r->tables->cell (r->domain_table, row, column).data;
}

static adze_status
read_domain (route_run *r, const size_t places[COLUMNS], size_t row)
{
  adze_scorer_domain *domain = &r->domains[row];
  const adze_text latency = r->tables->cell (r->domain_table, row, places[LATENCY]);
  const adze_text quality = r->tables->cell (r->domain_table, row, places[QUALITY]);
  const adze_text name = r->tables->cell (r->domain_table, row, places[NAME]);
  domain->name = name.data;
  domain->description = text_of (r, row, places[DESCRIPTION]);
  domain->keywords = text_of (r, row, places[KEYWORDS]);
  if (name.size == 0)
    return bad_cell (r, row, NAME, name, "a name");
  if (!adze_table_number (latency, &domain->latency) || !(domain->latency > 0))
    return bad_cell (r, row, LATENCY, latency, "a number above 0, such as milliseconds of an answer");
  if (!adze_table_number (quality, &domain->quality) || domain->quality < 0 || domain->quality > 1)
    return bad_cell (r, row, QUALITY, quality, "a number from 0 to 1");
  for (size_t i = 0; i < row; i++)
    if (strcmp (r->domains[i].name, domain->name) == 0)
      return bad_cell (r, row, NAME, name, "a name that no other domain has");
  r->fastest = row == 0 || domain->latency < r->fastest ? domain->latency : r->fastest;
  return places[PROFILE] == SIZE_MAX
             ? ADZE_OK
             : read_profile (r, row, r->tables->cell (r->domain_table, row, places[PROFILE]), domain->profile);
}

static adze_status
find_fallback (route_run *r)
{
  r->fallback = SIZE_MAX;
  for (size_t i = 0; i < r->domain_count; i++)
    if (strcmp (r->domains[i].name, r->settings.fallback) == 0)
      r->fallback = i;
  if (r->fallback == SIZE_MAX && *r->settings.fallback)
    return adze_fail (r->host, ADZE_E_PARAM, "parameter 'fallback': its port 'domains' has no '%s'", r->settings.fallback);
  return ADZE_OK;
}

adze_status
route_read_domains (route_run *r)
{
  const void *bytes;
  size_t size, places[COLUMNS];
  adze_status status = r->run->bytes (r->host, r->run->input (r->host, r->context, "domains"), &bytes, &size);
  if (status == ADZE_OK)
    status = r->tables->read (r->host, "its port 'domains'", bytes, size, &r->domain_table);
  if (status == ADZE_OK)
    status = find_columns (r, places);
  if (status != ADZE_OK)
    return status;
  r->domain_count = r->tables->rows (r->domain_table);
  if (r->domain_count == 0 || r->domain_count > ROUTE_DOMAINS)
    return adze_fail (r->host, ADZE_E_FORMAT, "its port 'domains' has %zu rows; needed are 1 to %d domains",
                      r->domain_count, ROUTE_DOMAINS);
  r->domains = (adze_scorer_domain *)r->host->allocate (r->host, r->domain_count * sizeof *r->domains);
  if (!r->domains)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu domains", r->domain_count);
  for (size_t row = 0; status == ADZE_OK && row < r->domain_count; row++)
    status = read_domain (r, places, row);
  if (status == ADZE_OK)
    status = find_fallback (r);
  return status == ADZE_OK ? route_index_open (r) : status;
}

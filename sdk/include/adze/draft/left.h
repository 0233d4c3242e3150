/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/left.h: tensors that a technique was asked for and cannot see to: floats of other types
 * than the four of adze/half.h, and blocks of a codec; counted in describe and told in one line. Tier:
 * draft; comes and goes with the revision of technique.
 *
 * A stage that did nothing to most of a model must not end with "done" alone. */
#ifndef ADZE_DRAFT_LEFT_H
#define ADZE_DRAFT_LEFT_H

#include <stdio.h>
#include <string.h>

#include <adze/draft/decision.h>
#include <adze/draft/model.h>
#include <adze/error.h>
#include <adze/log.h>
#include <adze/param.h>

ADZE_BEGIN_DECLS

/* "f8_e4m3fn", "i64", "q4_0". */
static inline void
adze_left_type_name (const adze_tensor_meta *meta, char *text, size_t size)
{
  static const char *const names[]
      = { "i%u", "u%u", "f%u", "opaque", "bf%u", "c%u", "bool", "f8_e3m4", "f8_e4m3",
          "f8_e4m3b11fnuz", "f8_e4m3fn", "f8_e4m3fnuz", "f8_e5m2", "f8_e5m2fnuz", "f8_e8m0fnu",
          "f6_e2m3fn", "f6_e3m2fn", "f4_e2m1fn" };
  bool known = meta->dtype.code < sizeof names / sizeof names[0];
  const char *name = meta->codec ? meta->codec : known ? names[meta->dtype.code] : "unknown";
  size_t letters = strcspn (name, "%");
  if (meta->codec || name[letters] == '\0')
    snprintf (text, size, "%s", name);
  else
    snprintf (text, size, "%.*s%u", (int)letters, name, meta->dtype.bits);
}

/* Is it written in floats, of whichever kind, pairs of them among these? Integers and what means no number
 * are none. */
static inline bool
adze_left_is_float (const adze_tensor_meta *meta)
{
  return meta->codec || meta->dtype.code == ADZE_FLOAT || meta->dtype.code == ADZE_BFLOAT
         || meta->dtype.code == ADZE_COMPLEX || meta->dtype.code >= ADZE_FLOAT8_E3M4;
}

typedef struct adze_left_tally {
  uint64_t tensors; /* that were left, and their bytes */
  uint64_t bytes;
  uint64_t all_tensors; /* that the stage was given */
  uint64_t all_bytes;
  char types[96]; /* of those that were left, each once */
  char names[160]; /* of the first ones that were left, as many as there is room for */
  uint64_t named;
} adze_left_tally;

static inline void
adze_left_see (adze_left_tally *tally, const adze_tensor_meta *meta)
{
  tally->all_tensors++;
  tally->all_bytes += meta->byte_size;
}

static inline void
adze_left_add (adze_left_tally *tally, const adze_tensor_meta *meta)
{
  char name[40], quoted[48];
  size_t used = strlen (tally->types);
  adze_left_type_name (meta, name, sizeof name);
  tally->tensors++;
  tally->bytes += meta->byte_size;
  snprintf (quoted, sizeof quoted, ", %s,", name);
  char listed[sizeof tally->types + 4];
  snprintf (listed, sizeof listed, ", %s,", tally->types);
  if (!strstr (listed, quoted) && used + strlen (name) + 3 < sizeof tally->types)
    snprintf (tally->types + used, sizeof tally->types - used, "%s%s", used ? ", " : "", name);
  used = strlen (tally->names);
  if (tally->named + 1 != tally->tensors)
    return;
  int more = snprintf (tally->names + used, sizeof tally->names - used, "%s'%s' (%s)",
                       used ? ", " : "", meta->name, name);
  bool whole = more > 0 && (size_t)more < sizeof tally->names - used;
  if (!whole)
    tally->names[used] = '\0';
  tally->named += whole;
}

/* A metric that holds for all tensors or not at all, told unless some were left. OTHERS: what it is
 * of those that were not. */
static inline adze_status
adze_left_metric (const adze_host *host, const adze_left_tally *tally, const char *name,
                  double others, const char *unit)
{
  char why[480], more[48] = "";
  if (tally->tensors == 0)
    return adze_metric (host, name, others, unit);
  if (tally->named < tally->tensors)
    snprintf (more, sizeof more, "%s%llu more", tally->named ? " and " : "",
              (unsigned long long)(tally->tensors - tally->named));
  snprintf (why, sizeof why,
            "%llu of %llu tensor%s cannot be looked into: %s%s; a rule with skip = true leaves "
            "such tensors out",
            (unsigned long long)tally->tensors, (unsigned long long)tally->all_tensors,
            tally->all_tensors == 1 ? "" : "s", tally->names, more);
  return adze_not_measured (host, name, others, why);
}

/* DID: "not cast". TOLD is what was said before: describe is asked several times, and
 * says it anew only where it came out otherwise. */
static inline void
adze_left_tell (const adze_host *host, const adze_left_tally *tally, adze_left_tally *told, const char *did)
{
  if (tally->tensors > 0 && memcmp (tally, told, sizeof *told) != 0)
    adze_log (host, ADZE_LOG_WARNING,
              "%s: %llu of %llu tensor%s (%.3g %% of the bytes), of type %s", did,
              (unsigned long long)tally->tensors, (unsigned long long)tally->all_tensors,
              tally->all_tensors == 1 ? "" : "s",
              tally->all_bytes ? (double)tally->bytes / (double)tally->all_bytes * 100 : 0,
              tally->types);
  *told = *tally;
}

/* The callbacks of a technique whose state is what it told. */
static inline adze_status
adze_left_create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)values;
  *instance = host->allocate (host, sizeof (adze_left_tally));
  return *instance ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for its state");
}

static inline void
adze_left_destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

ADZE_END_DECLS

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/descriptor.h: from what an entry returned to something that the host can rely on. */
#ifndef ADZE_PLUGIN_DESCRIPTOR_H
#define ADZE_PLUGIN_DESCRIPTOR_H

#include <adze/draft/backend.h>
#include <adze/draft/format.h>
#include <adze/draft/observer.h>
#include <adze/draft/codec.h>
#include <adze/draft/scorer.h>
#include <adze/draft/source.h>
#include <adze/draft/technique.h>

#include "plugin/manifest/manifest.h"
#include "plugin/profile.h"

/* The host's own copies, each of the host's size: what an older plugin does not have is zero. */
typedef union adze_callbacks {
  adze_technique technique;
  adze_observer observer;
  adze_format format;
  adze_source source;
  adze_codec codec;
  adze_scorer scorer;
  adze_backend backend;
} adze_callbacks;

typedef struct adze_descriptor {
  adze_plugin plugin; /* its strings are the plugin's; .components is NULL */
  adze_component *components; /* .callbacks points into CALLBACKS */
  adze_callbacks *callbacks;
  size_t component_count;
} adze_descriptor;

void adze_descriptor_free (adze_descriptor *descriptor);

/* Checks RAW in the order magic, size, ABI, fields, and copies it. PROFILE says which host asks.
 * A refusal carries the step, and what was needed and found. The manifest has no digest and
 * FILE as its file. DESCRIPTOR may be NULL when only the manifest is wanted. */
ADZE_MUST_CHECK adze_error *adze_descriptor_check (const adze_plugin *raw, const char *path,
                                                   const adze_profile *profile,
                                                   adze_descriptor **descriptor,
                                                   adze_manifest **manifest);

/* The kinds that this host knows, NULL-terminated. */
extern const char *const adze_kind_names[];

#endif

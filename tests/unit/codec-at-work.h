/* SPDX-License-Identifier: Apache-2.0 */
/* One codec at a time, by its id and settings, as the tests of codecs have it. */
#ifndef TESTS_UNIT_CODEC_AT_WORK_H
#define TESTS_UNIT_CODEC_AT_WORK_H

#include "world.h"

#include "artifact/codec.h"
#include "plugin/manifest/params.h"

static adze_runtime *runtime;
static adze_params *params;
static adze_codec_use *use;

static inline void
shut (void)
{
  adze_codec_close (use);
  adze_params_free (params);
  use = NULL;
  params = NULL;
}

static inline void
open_codec (const char *id, const char *const *settings)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  shut ();
  must (adze_find_component (runtime, id, &record, &component));
  must (adze_settings_parse (component, settings, &document));
  must (adze_params_bind (component, &document, document.root, NULL, NULL, NULL, NULL, &params));
  must (adze_codec_open (runtime, id, params, NULL, &use));
}

static inline int
set_up (void **state)
{
  (void)state;
  must (adze_runtime_open (NULL, &runtime));
  return 0;
}

static inline int
tear_down (void **state)
{
  (void)state;
  shut ();
  adze_runtime_close (runtime);
  return 0;
}

#endif

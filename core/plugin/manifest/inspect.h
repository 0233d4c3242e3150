/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/inspect.h: a component, as people and programs want to read it. All of it comes from the
 * one table that the plugin declared. */
#ifndef ADZE_PLUGIN_INSPECT_H
#define ADZE_PLUGIN_INSPECT_H

#include "plugin/manifest/manifest.h"

/* Everything known, as a tree; NULL without memory. */
adze_value *adze_inspect_value (const adze_manifest *manifest,
                                const adze_manifest_component *component);

/* A JSON schema (draft 2020-12) of the parameters, as a tree; NULL without memory. */
adze_value *adze_inspect_schema (const adze_manifest_component *component);

/* troff (man macros): the sections PARAMETERS, PORTS and THREADING of the component. */
void adze_inspect_manual (const adze_manifest_component *component, adze_buffer *into);

#endif

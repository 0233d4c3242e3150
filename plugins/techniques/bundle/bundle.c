/* SPDX-License-Identifier: Apache-2.0 */
/* bundle: what a model says of itself to a router, and what it should have said to whoever runs it. */
#include "bundle.h"

static const adze_component *const components[] = { &bundle_route, &bundle_mend, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "bundle",
  .version = "0.1.0",
  .summary = "Models of a bundle: metadata for routers, and what is missing in it",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (bundle, plugin);

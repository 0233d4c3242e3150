/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h: the two techniques that make a model part of a bundle. */
#ifndef ADZE_BUNDLE_H
#define ADZE_BUNDLE_H

#include <adze/sdk.h>

extern const adze_component bundle_route; /* route.c */
extern const adze_component bundle_mend;  /* mend.c */

#endif

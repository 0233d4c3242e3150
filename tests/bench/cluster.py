# SPDX-License-Identifier: Apache-2.0
"""cluster.py FILE K: the peer of bench-cluster.sh: prints the processor's seconds of fit and the
squared error."""
import sys
import time

import numpy
from sklearn.cluster import KMeans

path, k = sys.argv[1:]
numbers = numpy.fromfile(path, numpy.float32).reshape(-1, 1)
means = KMeans(n_clusters=int(k), n_init=1, algorithm="lloyd", random_state=1)
begun = time.process_time()
means.fit(numbers)
seconds = time.process_time() - begun
centres = numpy.sort(means.cluster_centers_.ravel().astype(numpy.float64))
nearest = numpy.searchsorted((centres[1:] + centres[:-1]) / 2, numbers.ravel().astype(numpy.float64))
print("%.3f %.17g" % (seconds, ((numbers.ravel() - centres[nearest]) ** 2).sum()))

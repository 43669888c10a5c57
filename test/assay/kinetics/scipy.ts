// A global 1:1 fit as SciPy does it: curves of a JSON file [{t, y, c, end}]; prints {rates: [ka, kd, Rmax], seconds}.
export const SCIPY = `
import json, sys, time
import numpy as np
from scipy.optimize import least_squares
curves = [{k: np.array(v) for k, v in one.items()} for one in json.load(open(sys.argv[1]))]
def residuals(p):
    ka, kd, rmax = np.exp(p)
    parts = []
    for one in curves:
        t, c, end = one["t"], float(one["c"]), float(one["end"])
        k = ka * c + kd
        top = rmax * ka * c / k
        on = top * (1 - np.exp(-k * np.minimum(t, end)))
        parts.append(np.where(t < end, on, on * np.exp(-kd * np.maximum(t - end, 0))) - one["y"])
    return np.concatenate(parts)
begin = time.perf_counter()
found = least_squares(residuals, np.log([3e4, 3e-3, 50]), xtol=1e-14, ftol=1e-14, gtol=1e-14)
print(json.dumps({"rates": list(np.exp(found.x)), "seconds": time.perf_counter() - begin}))
`;

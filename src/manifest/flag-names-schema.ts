// Migration: recreates the view of curves with the newer flags, fallback and shape_changed.

export const FLAG_NAMES = `
DROP VIEW sensorgram;
CREATE VIEW sensorgram AS
SELECT r.analysis_id AS analysis, a.method, i.label, r.roi, r.entry_id AS entry,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  r.position AS position_px, r.standard_error AS standard_error_px, r.quality,
  rtrim(iif(r.flags & 1, 'saturated ', '') || iif(r.flags & 2, 'at_edge ', '') || iif(r.flags & 4, 'low_contrast ', '')
    || iif(r.flags & 8, 'not_converged ', '') || iif(r.flags & 16, 'jumped ', '') || iif(r.flags & 32, 'fallback ', '')
    || iif(r.flags & 64, 'shape_changed ', '')) AS flags
FROM result r JOIN entry e ON e.id = r.entry_id JOIN analysis a ON a.id = r.analysis_id
  LEFT JOIN roi i ON i.roi_manifest_id = a.roi_manifest_id AND i.roi = r.roi;
`;

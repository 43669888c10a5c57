// The types of injections.

export const INJECTION_TYPES = ["sample", "blank", "calibration", "buffer", "regeneration"] as const;
export type InjectionType = (typeof INJECTION_TYPES)[number];

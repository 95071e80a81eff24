// Days and times on the axis of a chart, in the time zone of the person who looks.

const whole = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

let known = { start: 0, end: 0 };

// The start of the day that has this time. Events come in order, so that most are of the day that is known.
export function dayOf(ms) {
  if (ms < known.start || ms >= known.end) {
    const day = new Date(ms);
    const start = day.setHours(0, 0, 0, 0);
    // Not every day has 24 hours.
    known = { start, end: new Date(start).setDate(day.getDate() + 1) };
  }
  return known.start;
}

export function dayName(ms) {
  return whole.format(ms);
}

export function shortDay(ms) {
  return short.format(ms);
}

export function clockTime(ms, { seconds = false } = {}) {
  return (seconds ? second : minute).format(ms);
}

// `today`, `yesterday`, or nothing.
export function nearness(ms, now) {
  const today = dayOf(now);
  if (dayOf(ms) === today) return "today";
  return dayOf(ms) === dayOf(today - 1) ? "yesterday" : "";
}

// A time beside others: the day only if it is not today.
export function moment(ms, now, options) {
  const time = clockTime(ms, options);
  return dayOf(ms) === dayOf(now) ? time : `${shortDay(ms)}, ${time}`;
}

//! What differs between two settings of one webhook, in the words of a registration.

use crate::options::Options;

impl Options {
    /// Returns the members of a registration in which `other` differs.
    pub fn differences(&self, other: &Options) -> Vec<&'static str> {
        let Options { filter, payload, headers, auth, concurrency, rate_per_second, ordered, .. } = self;
        let Options { authorities, insecure_skip_verify, timeout, method, content_type, template, .. } = self;
        let Options { batch, description, retry, signatures, .. } = self;
        let members = [
            ("channels", filter.patterns() != other.filter.patterns()),
            ("types", filter.types() != other.filter.types()),
            ("min_priority", filter.min_priority() != other.filter.min_priority()),
            ("text", filter.text() != other.filter.text()),
            ("payload", *payload != other.payload),
            ("headers", *headers != other.headers),
            ("auth", *auth != other.auth),
            ("concurrency", *concurrency != other.concurrency),
            ("rate_per_second", *rate_per_second != other.rate_per_second),
            ("ordered", *ordered != other.ordered),
            ("ca", *authorities != other.authorities),
            ("insecure_skip_verify", *insecure_skip_verify != other.insecure_skip_verify),
            ("timeout", *timeout != other.timeout),
            ("method", *method != other.method),
            ("content_type", *content_type != other.content_type),
            ("template", *template != other.template),
            ("batch", *batch != other.batch),
            ("description", *description != other.description),
            ("retry", *retry != other.retry),
            ("signatures", *signatures != other.signatures),
        ];
        members.into_iter().filter(|(_, differs)| *differs).map(|(member, _)| member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::patch::Patch;

    /// A value for each member that is not its default.
    const ALL: &str = r#"{"channels":["a"],"types":["error"],"min_priority":"high","text":"x","payload":"event",
        "headers":{"X-A":"1"},"auth":{"kind":"bearer","token":"x"},"concurrency":2,"rate_per_second":3,"ordered":true,
        "insecure_skip_verify":true,"timeout":"3s","method":"PUT","content_type":"text/plain","template":"{{ message }}","description":"x","retry":["1s"],"signatures":["hub"]}"#;

    #[test]
    fn each_member_that_a_change_names_differs() {
        let mut changed = Options::default();
        assert_eq!(changed.differences(&Options::default()), [""; 0]);
        changed.apply(Patch::parse(ALL.as_bytes()).expect("a change")).expect("no contradiction");
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(ALL).expect("JSON");
        let mut differ = changed.differences(&Options::default());
        differ.sort_unstable();
        let mut named: Vec<_> = members.keys().collect();
        named.sort_unstable();
        assert_eq!(differ, named);
        // Not together with a template.
        let batch = [("batch".to_owned(), serde_json::json!({}))];
        for (name, value) in members.clone().into_iter().chain(batch) {
            let mut one = Options::default();
            let patch = serde_json::json!({ &name: value }).to_string();
            one.apply(Patch::parse(patch.as_bytes()).expect("a change")).expect("no contradiction");
            assert_eq!(one.differences(&Options::default()), [name]);
        }
    }
}

//! Configurations of the web server, as its schema writes them.

use groma_model::CoverageState;
use groma_model::fact::{Forward, ForwardEnd, Reference};

use super::*;
use crate::{Rows, Value, WrittenFiles, WrittenRegistry};

const CONFIG: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";
const SERVER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <configSections><sectionGroup name="system.applicationHost" /></configSections>
  <system.applicationHost>
    <applicationPools>
      <add name="DefaultAppPool" />
      <add name="Shop"><processModel identityType="SpecificUser" userName="CORP\svc-shop" password="[enc:IISWASOnlyCngProvider:geheim:enc]" /></add>
    </applicationPools>
    <log><centralBinaryLogFile enabled="true" directory="%SystemDrive%\inetpub\logs\LogFiles" /></log>
    <sites>
      <site name="Default Web Site" id="1" serverAutoStart="true">
        <application path="/" applicationPool="DefaultAppPool">
          <virtualDirectory path="/" physicalPath="%SystemDrive%\inetpub\wwwroot" />
          <virtualDirectory path="/papers" physicalPath="\\files1\papers\web" userName="CORP\svc-web" password="geheim" />
        </application>
        <application path="/shop" applicationPool="Shop">
          <virtualDirectory path="/" physicalPath="\\files2\shop$\live" />
        </application>
        <bindings><binding protocol="http" bindingInformation="*:80:" /><binding protocol="net.tcp" bindingInformation="808:*" /></bindings>
      </site>
      <site name="Proxy" id="3">
        <application path="/"><virtualDirectory path="/" physicalPath="D:\web\proxy\" /></application>
        <bindings><binding protocol="https" bindingInformation="10.0.0.7:443:www.corp.example" /><binding protocol="http" bindingInformation="*:80:www.corp.example" /></bindings>
        <logFile directory="\\logs1\iis" />
      </site>
      <site name="Old" id="4" serverAutoStart="false">
        <application path="/"><virtualDirectory path="/" physicalPath="\\old1\web" /></application>
        <bindings><binding protocol="http" bindingInformation="*:8080:" /></bindings>
      </site>
      <siteDefaults><logFile logFormat="W3C" directory="%SystemDrive%\inetpub\logs\LogFiles" /></siteDefaults>
      <applicationDefaults applicationPool="DefaultAppPool" />
    </sites>
  </system.applicationHost>
  <webFarms>
    <webFarm name="portal" enabled="true">
      <server address="portal1.corp.example" enabled="true"><applicationRequestRouting httpPort="8080" /></server>
      <server address="10.0.0.12" enabled="true" />
      <server address="10.0.0.13" enabled="false" />
    </webFarm>
  </webFarms>
  <system.webServer>
    <proxy enabled="true" />
  </system.webServer>
  <location path="Default Web Site">
    <system.webServer><rewrite><rules>
      <rule name="farm" patternSyntax="Wildcard"><match url="*" /><conditions><add input="{HTTP_HOST}" pattern="^portal\.corp\.example$" /></conditions><action type="Rewrite" url="http://portal/{R:0}" /></rule>
    </rules></rewrite></system.webServer>
  </location>
</configuration>"#;
const OWN: &str = r#"<configuration>
  <system.web><sessionState mode="StateServer" stateConnectionString="tcpip=state1:42424" /></system.web>
  <system.webServer><rewrite><rules>
    <rule name="all" stopProcessing="true"><match url="^(.*)$" /><action type="Rewrite" url="http://app1.corp.example:9000/{R:1}" /></rule>
    <rule name="some"><match url="^api/(.*)" /><action type="Rewrite" url="https://api.corp.example/{R:1}" /></rule>
    <rule name="off" enabled="false"><match url=".*" /><action type="Rewrite" url="http://off.corp.example/" /></rule>
    <rule name="told elsewhere"><match url=".*" /><action type="Redirect" url="http://new.corp.example/" /></rule>
    <rule name="within"><match url=".*" /><action type="Rewrite" url="index.php" /></rule>
    <rule name="anybody"><match url=".*" /><action type="Rewrite" url="http://{HTTP_HOST}:81/{R:0}" /></rule>
  </rules></rewrite></system.webServer>
</configuration>"#;

fn said(registry: &WrittenRegistry, files: &WrittenFiles) -> Said {
    let mut rows = Rows::default();
    rows.system.directory_sid = Some("S-1-5-21-1-2-3-2001".into());
    iis(&Machine {
        registry,
        files,
        rows: &rows,
        certificate: &|_| None,
    })
    .remove(0)
}

fn files(server: &str, own: &str) -> WrittenFiles {
    WrittenFiles::default()
        .with(CONFIG, server.as_bytes())
        .with(r"D:\web\proxy\web.config", own.as_bytes())
}

fn references(said: &Said) -> Vec<String> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::Reference(reference) => Some(reference),
        _ => None,
    });
    let one = |r: &Reference| {
        let account = r
            .account
            .as_ref()
            .map(|a| format!(" as {a}"))
            .unwrap_or_default();
        let resource = r
            .resource
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let secret = if r.has_secret { " secret" } else { "" };
        format!(
            "{} {} {} {resource}{account}{secret}",
            r.rule, r.kind, r.peer
        )
    };
    all.map(one).collect()
}

fn place(end: &ForwardEnd) -> String {
    match end {
        ForwardEnd::Endpoint { peer, port, .. } => format!("{peer}:{}", port.unwrap().0),
        other => format!("{other:?}"),
    }
}

fn forwards(said: &Said) -> Vec<String> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::Forward(forward) => Some(forward),
        _ => None,
    });
    let one = |f: &Forward| {
        let group = f
            .group
            .as_deref()
            .map(|g| format!(" of {g}"))
            .unwrap_or_default();
        let maybe = if f.conditional { " maybe" } else { "" };
        let names = f.names.join(",");
        format!(
            "{} [{names}] {}{group}{maybe}",
            place(&f.listens),
            place(&f.sends_to)
        )
    };
    all.map(one).collect()
}

#[test]
fn shares_of_sites_are_needs_with_the_account_that_opens_them() {
    let network = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
    let registry = WrittenRegistry::default().with_text(network, "Domain", "corp.example");
    let said = said(&registry, &files(SERVER, OWN));
    assert_eq!(said.state, CoverageState::Complete, "{:?}", said.gaps);
    assert_eq!(
        references(&said),
        [
            r"iis-site smb files1 papers/web as CORP\svc-web secret",
            r"iis-site smb files2 shop$/live as CORP\svc-shop",
            "iis-log smb logs1 iis/W3SVC3",
            r"iis-pool-account kerberos corp.example  as CORP\svc-shop secret",
            "iis-session other state1 ",
        ]
    );
    assert!(
        !serde_json::to_string(&said.facts)
            .unwrap()
            .contains("geheim")
    );
}

#[test]
fn pools_of_a_domain_known_by_its_short_name_only_are_one_gap() {
    let network = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
    let registry = WrittenRegistry::default()
        .with_text(network, "Hostname", "web1")
        .with_text(network, "Domain", "corp.example");
    let gaps = |server: &str| {
        let said = said(&registry, &files(server, OWN));
        assert_eq!(said.state, CoverageState::Complete);
        let gaps = said.gaps.into_iter().map(|gap| gap.what);
        gaps.collect::<Vec<_>>()
    };
    let foreign = SERVER.replace(r"CORP\svc-shop", r"ELSEWHERE\svc-shop");
    let gap = "1 account of a domain known by its short name only";
    assert_eq!(gaps(&foreign), [gap]);
    assert!(gaps(SERVER).is_empty());
}

#[test]
fn rules_and_farms_hand_requests_on() {
    let said = said(&WrittenRegistry::default(), &files(SERVER, OWN));
    assert_eq!(
        forwards(&said),
        [
            "0.0.0.0:80 [portal.corp.example] portal1.corp.example:8080 of portal",
            "0.0.0.0:80 [portal.corp.example] 10.0.0.12:80 of portal",
            "10.0.0.7:443 [www.corp.example] app1.corp.example:9000",
            "10.0.0.7:443 [www.corp.example] api.corp.example:443 maybe",
            "0.0.0.0:80 [www.corp.example] app1.corp.example:9000",
            "0.0.0.0:80 [www.corp.example] api.corp.example:443 maybe",
        ]
    );
}

#[test]
fn what_is_set_for_all_holds_for_each() {
    let text = r#"<configuration><system.applicationHost>
        <applicationPools><add name="a" /><add name="b"><processModel identityType="NetworkService" /></add>
        <applicationPoolDefaults><processModel identityType="SpecificUser" userName="CORP\svc" password="geheim" /></applicationPoolDefaults></applicationPools>
        <sites><site name="x" id="1"><application path="/" applicationPool="a"><virtualDirectory path="/" physicalPath="\\files1\a" /></application>
        <application path="/b" applicationPool="b"><virtualDirectory path="/" physicalPath="\\files1\b" /></application>
        <application path="/c" applicationPool="b"><virtualDirectory path="/" physicalPath="\\files1\c" /><virtualDirectoryDefaults userName="CORP\web" /></application></site></sites>
        </system.applicationHost></configuration>"#;
    let said = said(
        &WrittenRegistry::default(),
        &files(text, "<configuration/>"),
    );
    assert_eq!(
        references(&said),
        [
            r"iis-site smb files1 a as CORP\svc",
            "iis-site smb files1 b",
            r"iis-site smb files1 c as CORP\web",
        ]
    );
}

#[test]
fn without_the_proxy_a_rule_hands_nothing_on() {
    let off = SERVER.replace(r#"<proxy enabled="true" />"#, "");
    let found = forwards(&said(&WrittenRegistry::default(), &files(&off, OWN)));
    assert_eq!(found.len(), 2, "the farm alone: {found:?}");
}

#[test]
fn a_configuration_on_a_share_is_a_need_and_a_gap() {
    let file = r"C:\Windows\System32\inetsrv\config\redirection.config";
    let text = r#"<configuration><configurationRedirection enabled="true" path="\\files1\iis" userName="CORP\svc-iis" password="geheim" /></configuration>"#;
    let found = said(
        &WrittenRegistry::default(),
        &files(SERVER, OWN).with(file, text.as_bytes()),
    );
    assert_eq!(
        references(&found),
        [r"iis-redirection smb files1 iis as CORP\svc-iis secret"]
    );
    assert_eq!(found.gaps[0].reason, Reason::RemoteFileSystem);
    let off = text.replace("true", "false");
    let found = said(
        &WrittenRegistry::default(),
        &files(SERVER, OWN).with(file, off.as_bytes()),
    );
    assert!(found.gaps.is_empty());
}

#[test]
fn certificates_may_come_from_a_share() {
    let key = r"HKLM\SOFTWARE\Microsoft\IIS\CentralCertProvider";
    let registry = WrittenRegistry::default()
        .with(key, "Enabled", Value::Number(1))
        .with_text(key, "CertStoreLocation", r"\\files1\certificates")
        .with_text(key, "UserName", r"CORP\svc-cert")
        .with(key, "Password", Value::Bytes(vec![1]));
    let found = references(&said(&registry, &WrittenFiles::default()));
    assert_eq!(
        found,
        [r"iis-certificates smb files1 certificates as CORP\svc-cert secret"]
    );
    let off = WrittenRegistry::default()
        .with(key, "Enabled", Value::Number(0))
        .with_text(key, "CertStoreLocation", r"\\files1\certificates");
    assert!(said(&off, &WrittenFiles::default()).facts.is_empty());
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let found = said(
        &WrittenRegistry::default(),
        &files(SERVER, "<configuration>"),
    );
    assert_eq!(found.gaps.len(), 1);
    assert_eq!(found.gaps[0].what, r"D:\web\proxy\web.config");
    let refused = WrittenFiles::default().refused(CONFIG, Reason::PermissionDenied);
    let found = said(&WrittenRegistry::default(), &refused);
    assert_eq!((found.facts.len(), found.gaps.len()), (0, 1));
    let found = said(&WrittenRegistry::default(), &WrittenFiles::default());
    assert!(found.facts.is_empty() && found.gaps.is_empty());
}

#[test]
fn hammered_configurations_never_panic() {
    groma_fuzz::hammer(400, &[SERVER.as_bytes(), OWN.as_bytes()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        said(&WrittenRegistry::default(), &files(&text, &text));
    });
}
